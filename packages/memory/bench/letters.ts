import type { CorpusQuestion, Dialogue, Turn } from './corpus.ts';

/**
 * A conversation written by hand, with turns as long and as loose as people's are, and questions in the formal register in which
 * questions about a conversation are asked. `session-number | time`, then `speaker: text`; ids count from 1 in each session.
 */
const conversation = `
# 1 | 2024-01-14T19:10
Nadia: Hey Marcus! Happy new year, I feel like we haven't properly talked since the move. How are you settling in?
Marcus: Hey Nadia! Good to hear your voice. Slowly, honestly. Half of my stuff is still in boxes but the kitchen works and that's what counts.
Nadia: Ha, priorities. So how is Leeds treating you? Do you miss Bristol already?
Marcus: A bit! I miss the water. But the new hospital is great, I started on the children's ward last Monday and the team has been super welcoming.
Nadia: That's amazing, you were so nervous about it. I knew you'd be fine. Kids love you.
Marcus: Thanks! One little guy asked me if I was a wizard because of my purple shoes. Made my week. What about you, still buried in thesis work?
Nadia: Don't ask. My supervisor wants me to rewrite the whole third chapter, the one about soil fungi, by the end of February.
Marcus: Ouch. That's the one you spent all summer on, right?
Nadia: Yep. But I've got a plan, I get up at six and write until ten and then I let myself go outside. Yesterday I saw a kingfisher by the canal!
Marcus: No way, I'm jealous. You and your birds. Did you get a photo?
Nadia: Only a blurry one. I'm saving for a proper zoom lens, my old one is held together with tape.
# 2 | 2024-02-03T20:30
Marcus: Guess who finally unpacked the last box? And guess what was in it.
Nadia: Please say the espresso machine.
Marcus: Better. Grandad's accordion! I thought it got lost with the movers. I played for two hours straight, the neighbours must hate me.
Nadia: Oh I'm so happy for you! You always said that was the one thing you'd save from a fire.
Marcus: It really is. He taught me three songs before he died and I still can't play the last one without tearing up.
Nadia: That's beautiful, honestly. Music keeps people close. I've had a weird week, my little sister Leila got engaged out of nowhere.
Marcus: What?! To the guy with the food truck?
Nadia: Yes, to Tom! He proposed on top of the ferris wheel last Saturday. They want to do it in September, in my parents' garden.
Marcus: Wow, that's quick. Are you okay with it?
Nadia: I am, I think. She's twenty-four, I just didn't see it coming. She asked me to be maid of honour and to do the photos too.
Marcus: No pressure then! You'd better get that lens.
Nadia: Exactly my argument to my bank account. How's work?
Marcus: Exhausting but good. I've signed up for a sign language course on Wednesdays because two of my patients are deaf and I hated needing an interpreter for a joke.
# 3 | 2024-03-09T18:45
Nadia: I submitted it!!! Chapter three is gone, out of my hands, never to be spoken of again.
Marcus: YES! Congratulations, I'm so proud of you. How did you celebrate?
Nadia: I slept for eleven hours and then my flatmate Priyanka dragged me to a climbing wall. I was terrible but I'm hooked, I went back twice this week.
Marcus: Careful, that's how it starts. Next thing you'll be hanging from some cliff in Wales.
Nadia: That's literally the plan for Easter. Four of us booked a hut near Snowdon, no phone signal, just ropes and soup.
Marcus: Sounds like my nightmare, heights make my palms sweat just thinking about it. I'll stay on the ground with a book, thanks.
Nadia: What are you reading at the moment? I need something for the train.
Marcus: "The Lantern Keepers", it's about three lighthouse families in the fifties. Slow, but the last fifty pages wrecked me.
Nadia: Adding it to my list. And how's the signing going?
Marcus: I told my first joke! It was about a duck. The girl rolled her eyes at me, so I think it worked.
Nadia: That's the best review you could get from a ten-year-old.
Marcus: On a less fun note, I've been getting these awful migraines. The doctor thinks it's the night shifts, so I asked to be moved to days from April.
# 4 | 2024-04-07T17:20
Nadia: We made it back in one piece! Well, nearly. I sprained my wrist on the second day, slipped on wet rock like a beginner.
Marcus: Oh no! Is it bad? Can you still type?
Nadia: It's strapped up for three weeks. Typing is slow, which my supervisor finds less funny than I do. But the views, Marcus. We watched the sun come up over the lake on Easter Sunday and nobody said a word.
Marcus: That sounds magical, I'm glad you went. I had a quieter Easter, I cooked lamb for my mum and her new boyfriend.
Nadia: The famous Greg! And? Verdict?
Marcus: He's alright. He fixed my dripping tap without being asked and he laughs at mum's puns, so he can stay.
Nadia: High praise. Is she thinking of moving in with him?
Marcus: They're looking at a cottage in Whitby, right on the coast. I'd get my sea back at weekends!
Nadia: You'd be so happy there. Did the migraines get better with the day shifts?
Marcus: Loads better. I've also cut out coffee, which hurts my soul, but I haven't had a headache in ten days. It's all peppermint tea now.
Nadia: You without espresso, I never thought I'd see the day.
# 5 | 2024-05-26T19:55
Marcus: Big news. I'm getting a dog.
Nadia: WHAT. Tell me everything right now.
Marcus: She's a retired greyhound called Biscuit, six years old, from a rescue near York. I met her on Thursday and she put her whole head in my lap.
Nadia: I'm actually crying. When does she come home?
Marcus: A week on Saturday. I've already bought far too many blankets. My landlord said yes as long as she doesn't bark, and apparently they never do.
Nadia: I need to come up and meet her. I could do the second weekend in June, I've a conference in Sheffield on the Friday before.
Marcus: Please come! What's the conference?
Nadia: Ecology and farming. I'm giving a talk about how fungi help wheat survive drought, my first one in front of real people. Two hundred of them. I feel sick.
Marcus: You'll be brilliant. Practise on Biscuit, she's a great listener.
Nadia: Ha, deal. Oh, and I caved, I bought the lens. Second-hand, but it's a beauty. I've been photographing swifts over the station every evening.
Marcus: Finally! The wedding pictures will be epic then.
# 6 | 2024-06-30T20:05
Nadia: I can't stop thinking about Biscuit. Tell her I said hello. And thank you for having me, that curry was unreal.
Marcus: She's been looking for you at the door! And the curry is all mum's recipe, I just follow orders. So did you hear back after the talk?
Nadia: I did! A professor from Wageningen came up to me afterwards and last week she wrote and offered me a research position in her lab, starting in January.
Marcus: In the Netherlands? Nadia, that's huge!
Nadia: I know. Three years, real salary, a greenhouse of my own. I haven't said yes because of dad, his heart operation is in August and I don't want to be away if something goes wrong.
Marcus: I get that. But January is after August. And your dad would drive you to the ferry himself.
Nadia: He said exactly that. He's prouder than I am. I've started learning Dutch on an app just in case, ten minutes a day with my cereal.
Marcus: In case! You've decided already. Listen, I'm going to miss you, but go.
Nadia: Stop it. What about you, anything new on your side?
Marcus: I started a little music group on the ward, Fridays after lunch. Drums made from buckets, me on the accordion, total chaos. One mum told me it was the first time her son laughed since his diagnosis.
Nadia: Okay now I'm crying again. You were made for that job.
# 7 | 2024-09-15T21:00
Nadia: So, Leila is officially a married woman! I've got four hundred photos to sort and a sunburnt nose.
Marcus: Congratulations to them! How was it? Did the food truck make an appearance?
Nadia: Of course, Tom's friends served tacos all night. And it rained for exactly ten minutes during the vows and then there was a double rainbow. I got the shot.
Marcus: Of course you did. And how's your dad doing after the operation?
Nadia: So well. They put in a new valve on the ninth of August and two weeks later he was complaining about hospital food. He danced with Leila, slowly, but he danced.
Marcus: That must have been such a relief for all of you.
Nadia: Huge. I cried through the whole song. And I signed the contract, I'm moving to Wageningen on the third of January. There, I said it out loud.
Marcus: I knew it! I'm so happy for you. We'll visit, Biscuit needs to see a windmill.
Nadia: Yes please! And you, did you do the thing? Did you apply?
Marcus: I did. From October I'm doing the training to become a music therapist, two days a week, and the hospital pays for half of it.
Nadia: Marcus! That's your dream, you've talked about it since school.
# 8 | 2024-11-10T18:30
Marcus: First essay done and I got a distinction. Me! The boy who failed biology twice.
Nadia: I never doubted you for a second. What was it about?
Marcus: How rhythm helps children deal with pain. I interviewed some of my bucket drummers for it, with their parents' permission of course.
Nadia: I want to read it. My news is more boring, I'm selling everything I own. Do you want a bike?
Marcus: The red one? I'd love it, Leeds is all hills but I need the exercise, Biscuit only sprints for thirty seconds and then she naps.
Nadia: It's yours. I handed in the thesis as well, by the way, on Halloween. Two hundred and twelve pages. The defence is on the twelfth of December.
Marcus: You say that like it's nothing! We have to celebrate. Mum and Greg got the cottage, they moved in last weekend, so there's a spare room by the sea with your name on it.
Nadia: Whitby for New Year's Eve? One last cold swim before I go?
Marcus: You swim, I hold the towel and the thermos. I'm scared enough of the stairs down to that beach.
Nadia: Deal. I'm packing the camera, I've never seen the harbour seals there.
`;

/** Kind, question, evidence as `session:turn`. */
const questions = `
single | Which city did Marcus move to? | 1:3 1:4
single | What kind of work does Marcus do? | 1:4
single | What did a young patient think Marcus was? | 1:6
single | What is the topic of Nadia's third thesis chapter? | 1:7
single | What is Nadia's morning routine for writing? | 1:9
multi | What wildlife has Nadia observed or photographed? | 1:9 5:10
single | Which musical instrument belongs to Marcus? | 2:3
single | Who taught Marcus to play? | 2:5
single | Whom is Leila going to marry? | 2:7 2:8
temporal | When did Tom propose to Leila? | 2:8
single | Where is the wedding supposed to take place? | 2:8
single | What roles does Nadia have at her sister's wedding? | 2:10
single | Why did Marcus enroll in a sign language class? | 2:13
temporal | When did Nadia submit her third chapter? | 3:1
multi | What sports or physical activities does Nadia do? | 3:3 3:5 8:8
single | What did Nadia plan for the Easter holidays? | 3:5
multi | What is Marcus afraid of? | 3:6 8:9
single | What book did Marcus recommend to Nadia? | 3:8
multi | What health problems did Marcus have? | 3:12 4:10
single | What injury did Nadia suffer? | 4:1
temporal | When did Nadia hurt her wrist? | 4:1 4:3
single | What did Marcus prepare for his mother at Easter? | 4:4
single | What does Marcus think of his mother's partner? | 4:6
single | Which beverage does Marcus drink instead of coffee? | 4:10
single | What kind of pet did Marcus adopt? | 5:3
temporal | When did Marcus first meet Biscuit? | 5:3
temporal | When will the dog arrive at Marcus's home? | 5:5
single | What was Nadia's presentation about? | 5:8
single | What photography equipment did Nadia purchase? | 5:10
multi | What did Nadia want to save money for, and did she get it? | 1:11 5:10
single | Where was Nadia offered a research position? | 6:3 6:4
single | Why did Nadia hesitate to accept the offer? | 6:5
single | Which language is Nadia learning? | 6:7
multi | How does Marcus use music at the hospital? | 6:10 7:10
single | What did a mother tell Marcus about her son? | 6:10
single | What was served at Leila's wedding? | 7:3
temporal | When did Nadia's father have his surgery? | 7:5
temporal | When is Nadia moving to the Netherlands? | 7:7
multi | What training or education has Marcus pursued? | 2:13 7:10 8:1
single | What grade did Marcus receive for his essay? | 8:1
single | What was the subject of Marcus's essay? | 8:3
single | What item is Nadia giving to Marcus? | 8:4 8:6
temporal | When did Nadia hand in her thesis? | 8:6
temporal | When is Nadia's thesis defence? | 8:6
single | Where did Marcus's mother and Greg move? | 8:7 4:8
open | Would Marcus enjoy a hot air balloon ride? | 3:6 8:9
open | Does Nadia like spending time in nature? | 1:9 3:5 4:3
open | Is Marcus a patient and caring person? | 1:6 2:13 6:10
temporal | What happened in Nadia's family in September 2024? | 7:1 7:3
temporal | What did Marcus and Nadia plan for New Year's Eve? | 8:8
`;

/** The second one: written after ranking was settled and never used to set a constant, so that its figure is a held-out one. */
const heldOutConversation = `
# 1 | 2023-02-11T10:15
Elena: Morning Victor! Did the bread survive your oven this time?
Victor: Barely! The crust could stop a bullet but the inside was lovely. I'm getting closer, my sourdough starter is finally awake.
Elena: I'm proud of you. Remember when you burnt toast in college?
Victor: Low blow. How was your first week at the radio station?
Elena: Intense! They put me on the early show, so I'm up at three thirty. But I read the weather live on air on Thursday and only said one wrong town.
Victor: Which one?
Elena: I called Salamanca "Salamander". My producer has been drawing lizards on my notes ever since.
Victor: That's fantastic. You'll be famous. I've got some news too, the council finally approved our community garden behind the library.
Elena: After two years of letters? Victor, that's wonderful! What will you grow?
Victor: Tomatoes, beans, and I want a corner just for bees. Mrs Okafor from the third floor has offered to teach us how to keep them.
Elena: I want the first jar of honey, reserved, with my name on it.
# 2 | 2023-03-25T16:40
Victor: We broke ground today! Twenty-two people came, half of them kids covered in mud by noon.
Elena: I saw the pictures, you looked like a proud mole. I'm so sorry I missed it, my nephew Bruno had his chess final.
Victor: No worries. How did he do?
Elena: Second place out of sixty, he's only nine! He cried for a minute and then ate an enormous pizza.
Victor: A true champion. I'm hurting everywhere, I think I pulled something in my shoulder with the wheelbarrow.
Elena: Go see my physio, she's a magician. She fixed my neck after the car accident in 2019.
Victor: I might. Are you still getting up in the middle of the night?
Elena: Yes, but not for long! They've offered me the evening culture programme from May. Interviews, theatre, all the stuff I love.
Victor: Elena!! That's exactly what you moved to Madrid for.
Elena: I know, I had to sit down on the stairs when they told me. First guest is a puppeteer from Lisbon.
Victor: Please ask her if the puppets scare her at night.
# 3 | 2023-06-04T20:00
Elena: So the puppeteer said yes, the puppets do scare her, and she covers them with a blanket. You got your answer on national radio.
Victor: I heard it! I screamed in the greenhouse. Your voice is so different in the evening, calm and a bit dangerous.
Elena: Stop it. How's the shoulder?
Victor: Your physio is a witch, I'm lifting sacks again. And the bees arrived last Sunday, two hives, about forty thousand ladies.
Elena: Did anyone get stung?
Victor: Only me, four times, I wore the wrong trousers. Turns out I swell up like a balloon, so now I have to carry a pen with me.
Elena: Victor, that's serious! You run a bee corner and you're allergic?
Victor: Mrs Okafor does the hives, I do the vegetables. We have an understanding.
Elena: Good. I've been thinking of getting a tattoo, by the way. A tiny swallow behind my ear, for my grandmother, she fed them every summer in Cádiz.
Victor: That's beautiful. Do it. I'd hold your hand but I faint when I see needles.
Elena: You've just told me you carry one.
# 4 | 2023-09-17T18:20
Victor: Harvest festival is done, I can finally sit. We raised one thousand three hundred euros for the school kitchen.
Elena: That's incredible, what sold best?
Victor: Your honey label design! No really, we sold out of honey in an hour, and my bread went too. I baked sixty loaves, Elena. Sixty.
Elena: From bullet-proof crust to baker of the neighbourhood in seven months. You should open a shop.
Victor: Funny you say that. There's an empty place on Calle del Pez and I've asked the bank for a loan. I'd leave the insurance company in spring.
Elena: You're serious? I think I'm going to cry. You've hated that job for ten years.
Victor: Eleven. I haven't told my father yet, he'll say I'm throwing away a pension.
Elena: He'll come round when he tastes the olive bread. My update: the swallow is on, it didn't hurt, and mum pretended not to notice for a whole dinner.
Victor: Classic. And the thing with Daniel from the orchestra?
Elena: We had our third date on Friday. He plays the viola and he's terrible at mini golf. I like him a lot.
Victor: Bring him to the garden, Mrs Okafor will judge him for us.
`;

const heldOutQuestions = `
single | What does Victor enjoy baking? | 1:2 4:3
single | What is Elena's profession? | 1:5 2:8
temporal | When did Elena present the weather live? | 1:5
single | What mistake did Elena make on air? | 1:7
single | What did the city council approve? | 1:8
single | Where is the community garden located? | 1:8
multi | What is grown or kept in the community garden? | 1:10 3:4
single | Who teaches the group about beekeeping? | 1:10
temporal | When did work on the garden begin? | 2:1
single | Why did Elena miss the first day of the garden? | 2:2
single | What game is Elena's nephew good at? | 2:2 2:4
single | How did Bruno perform in the competition? | 2:4
multi | What injuries or accidents have Victor and Elena had? | 2:5 2:6
single | What new position was Elena offered? | 2:8
single | Who was the first guest on Elena's programme? | 2:10
temporal | When did the bees arrive? | 3:4
single | What is Victor allergic to? | 3:6 3:7
single | What tattoo did Elena want and why? | 3:9
single | What is Victor afraid of? | 3:10
single | How much money did the harvest festival raise? | 4:1
single | What was the money raised for? | 4:1
single | What did Elena design for the festival? | 4:3
single | What kind of business does Victor plan to open? | 4:4 4:5
single | Where does Victor currently work? | 4:5
single | What is Victor worried that his father will say? | 4:7
single | Which instrument does Daniel play? | 4:10
temporal | When did Elena last go out with Daniel? | 4:10
open | Is Victor dissatisfied with his current job? | 4:5 4:6
open | Would Elena be considered close to her family? | 2:2 3:9
multi | What achievements has Victor had in the neighbourhood? | 1:8 2:1 4:1
`;

/** The conversation of which the constants know. */
export function readLetters(): Dialogue {
  return readDialogue('letters', conversation, questions);
}

/** The conversation of which they do not. */
export function readHeldOut(): Dialogue {
  return readDialogue('held-out', heldOutConversation, heldOutQuestions);
}

function readDialogue(name: string, script: string, asked: string): Dialogue {
  const turns: Turn[] = [];
  let session = { number: '0', eventTime: 0, count: 0 };
  for (const line of script.trim().split('\n')) {
    const header = /^# (\d+) \| (.+)$/.exec(line);
    if (header) {
      session = { number: header[1] ?? '', eventTime: Date.parse(`${header[2]}Z`), count: 0 };
      continue;
    }
    const [speaker = '', text = ''] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)];
    session.count += 1;
    const id = `${name}:D${session.number}:${session.count}`;
    turns.push({ id, text, speaker, eventTime: session.eventTime, source: `${name}/session-${session.number}` });
  }
  return {
    name,
    turns,
    questions: asked
      .trim()
      .split('\n')
      .map((line) => readQuestionLine(name, line)),
  };
}

function readQuestionLine(name: string, line: string): CorpusQuestion {
  const [kind = '', text = '', evidence = ''] = line.split(' | ');
  return {
    kind: kind as CorpusQuestion['kind'],
    text,
    evidence: evidence.split(' ').map((place) => `${name}:D${place}`),
  };
}
