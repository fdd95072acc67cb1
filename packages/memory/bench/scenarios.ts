/**
 * Things that people tell each other, with the questions somebody asks months later. `{x}` is drawn from `slots`. `lead` is what the other
 * person says right before, `tell` the turn that holds the answer; `ask` names the teller as `{me}`. Question and answer share few words
 * on purpose, as they do in life.
 */
export interface Scenario {
  readonly kind: 'single' | 'temporal' | 'open';
  readonly slots: Readonly<Record<string, readonly string[]>>;
  readonly lead: readonly string[];
  readonly tell: readonly string[];
  readonly ask: readonly string[];
}

/** One trait of a person that shows in several sessions; the question needs all of them. */
export interface Collection {
  readonly ask: readonly string[];
  readonly members: readonly string[];
}

export const scenarios: readonly Scenario[] = [
  {
    kind: 'single',
    slots: { x: ['cello', 'clarinet', 'banjo', 'accordion'] },
    lead: ['Do you still make music at home?', 'What do you do when work gets too much?'],
    tell: [
      'I picked up my old {x} again, twenty minutes every night.',
      'My {x} lessons help me to switch off, honestly.',
    ],
    ask: [
      'Which instrument does {me} play?',
      'What instrument lessons help {me} to switch off at night?',
      'Which old instrument did {me} pick up again?',
      'What instrument did {me} go back to?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['a beagle', 'two goldfish', 'a tabby cat', 'a grey parrot'] },
    lead: ['Is anybody waiting for you at home?', 'What was that noise behind you?'],
    tell: [
      'That is {x} that we brought home from the shelter, still a bit shy.',
      'We have {x} now, the children begged for months.',
    ],
    ask: [
      'What pet does {me} have?',
      'What did {me} bring home from the shelter for the children?',
      "Which pet did {me}'s children beg for?",
      'Which animal lives with {me}?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['peanuts', 'shellfish', 'pollen', 'cats'] },
    lead: ['You hardly touched your plate.', 'Why were you sneezing all evening?'],
    tell: [
      'I get a bad rash from {x}, so I stay away from them.',
      'The doctor says that it is {x}, I carry pills everywhere.',
    ],
    ask: [
      'What is {me} allergic to?',
      'What gives {me} a bad rash, according to the doctor?',
      'Why does {me} carry pills everywhere?',
      'Which allergy does {me} have?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['Lisbon', 'Tromsø', 'Porto Alegre', 'Galway'] },
    lead: ['You sound as if you grew up near the sea.', 'Where are your parents these days?'],
    tell: ['My whole family is from {x}, I left when I was nineteen.', 'I grew up in {x} and still miss the harbour.'],
    ask: [
      'Which city does {me} come from?',
      "Where did {me}'s family grow up before {me} left at nineteen?",
      'Which harbour does {me} miss from growing up?',
      "What is {me}'s home town?",
    ],
  },
  {
    kind: 'single',
    slots: { x: ['a bakery', 'a bicycle workshop', 'a small printing studio', 'a plant shop'] },
    lead: ['Are you still at the bank?', 'What is your big plan for the next years?'],
    tell: [
      'I gave notice, because I want to open {x} with my savings.',
      'My dream is {x} of my own, I already looked at rooms.',
    ],
    ask: [
      'What kind of business does {me} want to start?',
      'What does {me} want to open with the savings?',
      "What is {me}'s dream that {me} looked at rooms for?",
      'Which venture is {me} planning?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['"The Salt Road"', '"Nine Lanterns"', '"A House of Rain"', '"Winter Ledger"'] },
    lead: ['Anything good on your bedside table?', 'I need something to read on the train.'],
    tell: ['I could not put down {x}, it kept me awake until three.', 'Take {x}, the ending made me cry.'],
    ask: [
      'What book did {me} recommend or enjoy?',
      'Which book kept {me} awake until three or made {me} cry?',
      'What could {me} not put down?',
      'Which novel did {me} read?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['lasagna', 'mushroom risotto', 'lentil curry', 'plum dumplings'] },
    lead: ['What do you cook when friends come over?', 'It smells wonderful here.'],
    tell: [
      'Always {x}, my grandmother wrote the recipe on a napkin.',
      'I made {x} again, everybody asked for seconds.',
    ],
    ask: [
      "What is {me}'s favourite dish to prepare for guests?",
      "Which of {me}'s recipes, written by grandmother, did everybody ask seconds of?",
      'Which meal does {me} make for friends?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['nursing', 'marine biology', 'landscape architecture', 'law'] },
    lead: ['What will your daughter do after school?', 'Did Mia get the letter?'],
    tell: ['She got a place for {x}, we danced in the kitchen.', 'Mia will study {x} from autumn on, far away sadly.'],
    ask: [
      "What will {me}'s daughter study?",
      "For what did Mia, {me}'s daughter, get a place in autumn?",
      "Which field did {me}'s child choose at university?",
    ],
  },
  {
    kind: 'single',
    slots: { x: ['a twisted ankle', 'a broken wrist', 'a torn shoulder', 'bruised ribs'] },
    lead: ['Why are you limping around?', 'I heard that you fell off the ladder.'],
    tell: ['It is only {x}, but I cannot lift anything for weeks.', 'Six weeks of rest with {x}, what a mess.'],
    ask: [
      'What injury did {me} have?',
      'Why could {me} not lift anything for weeks?',
      'What did {me} need six weeks of rest for?',
      'How was {me} hurt?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['a silver compass', 'a hand-knitted scarf', 'an old map of the coast', 'a jar of sea glass'] },
    lead: ['What did your brother bring you?', 'Show me what was in the parcel!'],
    tell: ['He gave me {x}, it was our fathers once.', 'Inside was {x}, I have not stopped smiling.'],
    ask: [
      'What gift did {me} receive?',
      'What was inside the parcel that {me} got?',
      "What did {me}'s brother give that was once their father's?",
      'What present did {me} get from the family?',
    ],
  },
  {
    kind: 'single',
    slots: {
      x: [
        'meditation before sunrise',
        'long swims in the lake',
        'writing three pages by hand',
        'walking without a phone',
      ],
    },
    lead: ['How do you stay so calm?', 'You look less tense than in spring.'],
    tell: ['Honestly, {x} changed everything for me.', 'I started with {x}, it clears my head.'],
    ask: [
      'How does {me} relax and deal with stress?',
      'What did {me} start that clears the head?',
      'What changed everything for {me} to stay calm?',
      'What does {me} do to unwind?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['a hedgehog', 'a lighthouse', 'a swallow', 'three small stars'] },
    lead: ['Is that new on your arm?', 'Did it hurt much?'],
    tell: [
      'It is {x}, it stands for the year when I learnt to be alone.',
      'I chose {x}, because it reminds me to keep going.',
    ],
    ask: ["What does {me}'s tattoo show and symbolize?", "What is the meaning of {me}'s tattoo?"],
  },
  {
    kind: 'single',
    slots: { x: ['the food bank', 'the animal rescue', 'the night shelter', 'the reading club for refugees'] },
    lead: ['I never reach you on Thursdays.', 'What do you do with your free evenings?'],
    tell: [
      'On Thursdays I help out at {x}, they are always short of hands.',
      'I sort boxes at {x}, it feels good to be useful.',
    ],
    ask: [
      'Where does {me} volunteer?',
      'Where does {me} help out on Thursdays?',
      'Where does {me} sort boxes in the evenings?',
      'Which charity does {me} support with time?',
    ],
  },
  {
    kind: 'single',
    slots: { x: ['speaking in front of people', 'flying', 'deep water', 'being forgotten'] },
    lead: ['What holds you back?', 'Why did you say no to the offer?'],
    tell: ['To tell you the truth, {x} makes my knees shake.', 'It is {x}, I have been like that since I was seven.'],
    ask: [
      'What is {me} afraid of?',
      "What makes {me}'s knees shake?",
      'What has {me} been scared of since being seven?',
      "What is {me}'s greatest fear?",
    ],
  },
  {
    kind: 'temporal',
    slots: { x: ['half marathon', 'charity ride', 'open-water race', 'stair run'] },
    lead: ['Your face is red as a tomato!', 'How were your last days?'],
    tell: ['I finished the {x} {when}, my legs are jelly.', 'The {x} was {when}, and I was not even last.'],
    ask: ['When did {me} take part in the {x}?', 'When was the {x} of {me}?'],
  },
  {
    kind: 'temporal',
    slots: { x: ['watercolour class', 'first-aid course', 'sign language group', 'pottery workshop'] },
    lead: ['Are you learning something at the moment?', 'You have paint on your sleeve.'],
    tell: ['I signed up for a {x} {when}, it is more fun than I thought.', '{when} was my first evening at the {x}.'],
    ask: ['When did {me} join the {x}?', 'When did {me} start the {x}?'],
  },
  {
    kind: 'temporal',
    slots: { x: ['grandmother', 'uncle', 'old teacher', 'neighbour'] },
    lead: ['You are so quiet today.', 'Is everything all right?'],
    tell: ['My {x} passed away {when}, I still set the table for two.', 'We buried my {x} {when}.'],
    ask: ["When did {me}'s {x} die?", 'When did {me} lose the {x}?'],
  },
  {
    kind: 'temporal',
    slots: { x: ['Kyoto', 'the Dolomites', 'Marrakesh', 'the Baltic coast'] },
    lead: ['You got a tan!', 'Tell me about your holidays.'],
    tell: [
      'We were in {x} {when}, I took nine hundred pictures.',
      'Came back from {x} {when} and I already want to go again.',
    ],
    ask: ['When did {me} travel to {x}?', 'When was {me} in {x}?'],
  },
  {
    kind: 'temporal',
    slots: { x: ['dentist practice', 'city museum', 'school kitchen', 'wind-power company'] },
    lead: ['Any news about the applications?', 'You look as if you won the lottery.'],
    tell: ['The {x} called {when}, I got the position!', 'I signed with the {x} {when}, I can hardly believe it.'],
    ask: ['When did {me} get the job at the {x}?', 'When was {me} hired by the {x}?'],
  },
  {
    kind: 'temporal',
    slots: { x: ['car', 'phone', 'tent', 'sewing machine'] },
    lead: ['How did you get here?', 'Is that new?'],
    tell: [
      'My {x} broke down {when}, so I am making do without.',
      'I had to buy a new {x} {when}, the repair was too dear.',
    ],
    ask: ["When did something happen to {me}'s {x}?", 'When did {me} have trouble with the {x}?'],
  },
  {
    kind: 'temporal',
    slots: { x: ['twins', 'baby boy', 'little girl', 'third child'] },
    lead: ['How is your sister?', 'Was that your sister on the phone?'],
    tell: [
      'She had her {x} {when}, everyone is well and tired.',
      'Her {x} arrived {when}, I am an aunt and I cry at every photo.',
    ],
    ask: ["When was the baby of {me}'s sister born?", "When did {me}'s sister give birth?"],
  },
  {
    kind: 'open',
    slots: {
      x: [
        'I keep seven jars of sourdough in the fridge',
        'I got up at four to fold croissants',
        'my apron never dries',
      ],
    },
    lead: ['Sorry that I woke you.', 'What did you do on your day off?'],
    tell: ['You know me, {x}.', 'Ha, {x}, and I loved every minute.'],
    ask: [
      'Would {me} enjoy a gift card for a cooking school?',
      'Does {me} enjoy getting up early to bake croissants or sourdough?',
      'Is {me} likely to enjoy baking?',
    ],
  },
  {
    kind: 'open',
    slots: { x: ['the noise in the office', 'three parties in one week', 'calls with twenty people'] },
    lead: ['You left early.', 'Did you enjoy the weekend?'],
    tell: ['After {x} I need two days alone on the sofa.', 'I cannot bear {x}, give me a quiet corner.'],
    ask: [
      'Would {me} be considered an introvert?',
      'Does {me} need days alone in a quiet corner?',
      'What personality trait does {me} show about crowds?',
    ],
  },
  {
    kind: 'open',
    slots: { x: ['solar panels', 'a compost heap', 'rain barrels'] },
    lead: ['What are you building in the garden?', 'Your bill must be tiny now.'],
    tell: ['I put up {x} and the neighbours think I am mad.', 'We live from {x} nearly, the planet will thank us.'],
    ask: [
      'Does {me} care about the environment?',
      'Would {me} put up solar panels or rain barrels to thank the planet?',
      'Is {me} likely to vote for green politics?',
    ],
  },
];

export const collections: readonly Collection[] = [
  {
    ask: [
      'What activities does {me} do with the family?',
      'What did {me} do with the kids on weekends: tent, clay, pool or museum?',
      'What does {me} do together with the kids?',
    ],
    members: [
      'We took the kids up the ridge and slept in a tent, the stars were unreal.',
      'Saturday was clay day: everybody made a wobbly bowl, even the little one.',
      'The children and I spent the whole afternoon at the pool.',
      'We went to the dinosaur museum, my son explained everything to me.',
    ],
  },
  {
    ask: [
      'Which sports does {me} do?',
      'Which sports like tennis, climbing or swimming does {me} practise?',
      'What kinds of exercise does {me} practise?',
    ],
    members: [
      'Tennis on Tuesdays is sacred for me, even in the rain.',
      'I booked ten lessons at the climbing hall, my fingers hate me.',
      'Forty lengths of swimming before breakfast, new record!',
    ],
  },
  {
    ask: [
      'Which countries has {me} visited?',
      'In which countries did {me} take photos, eat or drive for a week?',
      'Where has {me} been on vacation abroad?',
    ],
    members: [
      'Those photos are from Norway, we drove along the fjords for a week.',
      'In Mexico I ate grasshoppers, and they were not bad.',
      'I still have sand from Morocco in my shoes.',
    ],
  },
  {
    ask: [
      'What health problems has {me} had?',
      'What medication, migraine or back problem did {me} have?',
      'Which medical issues does {me} have?',
    ],
    members: [
      'My migraine came back, I lay in the dark for two days.',
      'The doctor put me on medication for my blood pressure.',
      'I tore a muscle in my back when I lifted the sofa.',
    ],
  },
  {
    ask: ['What musical artists or concerts has {me} heard live?', 'Which bands has {me} seen?'],
    members: [
      'The Paper Foxes played in the park and we danced until midnight.',
      'I got tickets for a jazz trio, front row, my heart is still racing.',
      'A friend took me to hear an orchestra, I had goose bumps from the violins.',
    ],
  },
  {
    ask: [
      'What has {me} painted or drawn?',
      'Which canvas, portrait or sketch did {me} finish?',
      'Which works of art did {me} create?',
    ],
    members: [
      'I finished the canvas with the harbour at dusk, it hangs above the sofa now.',
      'Sketched the old oak tree all morning, my hands were frozen.',
      'My portrait of grandma turned out better than I feared.',
    ],
  },
];

/** Turns that say little, so that sessions have the length that they have in life. */
export const smallTalk: readonly string[] = [
  'Hey {other}, good to hear from you! How have you been?',
  'Hi {other}! It has been a while, what is new?',
  'Oh wow, that sounds great! How did that make you feel?',
  'Thanks, {other}, that means a lot to me.',
  'I totally get that. It is not easy, but you are doing well.',
  'That is so cool! Do you have a picture?',
  'Yes, it was a lovely day. I am really thankful for it.',
  'Take care, {other}! Talk to you soon.',
  'You are right, it is important to make time for the things we love.',
  'Haha, I can imagine! What happened then?',
  'I am proud of you, {other}. Keep going!',
  'No worries. Sometimes life just gets in the way.',
  'Work has been busy, but I cannot complain.',
  'The weather has been strange this week, has it not?',
  'I have been thinking a lot about the future lately.',
  'My family says hello, by the way.',
  'I wish there were more hours in a day.',
  'That reminds me of when we were at school together.',
  'Let me know if I can help with anything.',
  'I will try that some time, thanks for the advice!',
  'It is amazing what you can do when you have good friends around you.',
  'We should meet up again and go for a walk.',
  'What an experience! I bet you learnt a lot from it.',
  'It took some time, but I am happy with how it turned out.',
];

/** Nearly the same words as an answer, about somebody or something else. */
export const distractors: readonly string[] = [
  'My boss plays some instrument too, she never stops talking about it.',
  'I saw a documentary about pets yesterday, animals are fascinating.',
  'Everyone in my office seems to have an allergy these days.',
  'My cousin opened a business and closed it again within a year.',
  'They say that a good book is the best present.',
  'I watched a race on television, it looked exhausting.',
  'A class would be nice one day, when I have more time.',
  'I used to travel a lot before the children came.',
  'A friend of mine changed jobs three times this year.',
  'The neighbours got a new car and talk of nothing else.',
  'Somebody at the gym hurt his knee, it was awful to watch.',
  'I read that volunteering makes people live longer.',
  'Sports were never my thing when I was young.',
  'Painting calms people down, I heard on the radio.',
];
