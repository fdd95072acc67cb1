import { stem } from './stem.ts';
import { stopWords } from './stop-words.ts';

/**
 * Kinds that people ask for by name and speak of by example: "which instruments" is answered by "my violin". One line each:
 * the words of the question, then the words of the answers. Written by hand for everyday life; no data set was consulted.
 */
const categoryLines = `
instrument music musical: accordion oboe trombone mandolin fiddle recorder tuba guitar piano violin cello drum flute clarinet saxophone trumpet ukulele harp bass keyboard banjo
music concert artist band song: album singer gig tune playlist jazz rock classical pop festival symphony rapper melody track lyrics
pet animal: dog cat puppy kitten hamster rabbit parrot guinea pig turtle fish bird snake lizard horse goldfish kitty pup
sport exercise workout fitness: football soccer basketball tennis baseball hockey volleyball golf swim running yoga gym boxing climbing cycling surfing skiing snowboard marathon jog pilates surf skate lifting training
martial art: karate judo boxing kickboxing taekwondo jiu jitsu wrestling fencing aikido
outdoor activity hobby pastime interest: hiking camping fishing painting pottery knitting gardening reading cooking baking photography dancing swimming cycling running climbing kayaking surfing yoga drawing writing gaming crafts woodworking birdwatching skiing picnic
activity family together: hike camp swim museum beach park picnic movie game painting pottery trip playground zoo
country abroad: america england france germany italy spain japan china india canada mexico brazil australia sweden norway ireland scotland greece turkey thailand portugal poland korea egypt kenya morocco vietnam indonesia netherlands switzerland austria russia ukraine
city town place location: london paris rome berlin tokyo york boston chicago seattle barcelona madrid toronto sydney dublin amsterdam francisco angeles vegas miami
nature outdoors: forest mountain beach lake river ocean sea trail waterfall sunset sunrise canyon park woods desert island stars meteor
food dish meal cuisine eat: pizza pasta salad soup curry sushi burger taco steak chicken fish rice bread sandwich noodles vegetable roast lasagna pancake dumpling stew grill
dessert sweet treat snack bake: cake cookie pie ice cream chocolate pastry muffin cupcake brownie candy donut tart
drink beverage: coffee tea beer wine juice smoothie water soda cocktail milk whiskey
fruit: apple banana orange strawberry blueberry grape mango peach pear cherry pineapple lemon
flower plant garden: rose lily tulip sunflower orchid daisy lavender tomato basil herb seed succulent bloom
family relative relation: mother father mom dad sister brother son daughter wife husband parent grandma grandpa grandmother grandfather aunt uncle cousin niece nephew kid sibling spouse baby twin
relationship status marital dating: single married husband wife partner boyfriend girlfriend divorce breakup engaged wedding fiance date separated
friend: buddy pal roommate neighbor colleague mate classmate teammate
child kid: son daughter baby toddler boy girl teenager
job work career profession occupation employment: teacher nurse doctor engineer lawyer manager designer developer chef artist writer accountant company office boss salary promotion colleague counselor business shop store position hired fired laid interview internship barista mechanic
business venture company start: shop store studio startup brand online customer launch client bakery cafe
education study school degree field: university college course class degree exam graduate major student teacher lecture diploma certificate psychology engineering biology history economics counseling
health medical condition illness problem: doctor hospital surgery diagnosis pain injury allergy asthma diabetes headache flu therapy medication anxiety depression cancer broke sprain hurt sick weight blood
injury: broke sprained twisted hurt ankle knee wrist leg arm shoulder back torn fracture
emotion feel mood reaction: happy sad angry excited proud nervous anxious scared grateful lonely stressed relieved upset overwhelmed thrilled disappointed thankful
vehicle transport car: truck motorcycle bike bicycle van bus train plane boat prius tesla toyota ford honda scooter
travel trip vacation visit holiday: flight hotel airport beach tour cruise roadtrip journey passport sightseeing getaway abroad backpack camping
book novel read author: story series fiction chapter library biography poem memoir fantasy mystery title trilogy
movie film show series watch: cinema documentary comedy drama thriller episode netflix actor director animated trailer season
game play: chess poker board video console puzzle card nintendo xbox playstation multiplayer tournament strategy
art paint artwork draw: painting drawing sculpture pottery sketch canvas watercolor portrait gallery abstract mural sunset landscape clay bowl exhibit
craft make handmade: pottery knitting sewing crochet quilt woodwork bowl mug candle jewelry clay
clothes wear outfit: dress shirt shoes hat jacket jeans coat sweater boots necklace ring scarf sneakers
color colour: red blue green yellow purple pink black white orange brown grey gray turquoise
event attend participate: parade conference festival concert workshop meeting party wedding fair ceremony race fundraiser gala seminar retreat exhibition show meetup expo tournament
wedding marry marriage engagement: engaged proposed propose ring bride groom vows maid honour honor bridesmaid ceremony honeymoon fiance fiancee husband wife married
fear afraid scared phobia: nightmare terrified panic sweat dread heights spiders dark nervous shaking
surgery operation procedure: hospital valve surgeon recovery stitches anesthesia
photography camera equipment gear: lens tripod flash picture shoot photo
wildlife animal nature: bird fox deer seal squirrel owl eagle whale dolphin kingfisher swift butterfly bear hawk
celebration celebrate occasion: birthday anniversary wedding party christmas thanksgiving easter halloween graduation reunion holiday festival
charity cause volunteer donate community help: shelter homeless fundraiser donation nonprofit soup kitchen toys foodbank veterans mentor tutoring orphanage campaign
goal plan dream ambition aspiration future want hope: wish aim save someday intend become open start buy move travel build pursue
identity gender: transgender woman man gay lesbian queer nonbinary bisexual trans
religion belief faith: church prayer god bible temple mosque spiritual christian muslim jewish buddhist hindu
political leaning politics: liberal conservative rights election vote activism protest campaign senator policy
personality trait character describe: kind thoughtful caring patient shy honest driven brave creative funny loyal passionate authentic supportive helpful generous
financial money status: salary rent mortgage loan debt savings budget wealthy afford invest expensive bills raise
home house live: apartment flat room kitchen garden backyard rent moved roommate neighborhood downtown suburb cabin
device gadget technology computer: phone laptop tablet camera watch headphones console printer keyboard app software
app software programming code: python javascript website database algorithm developer app robotics hackathon coding
weather: rain snow storm sunny wind cold heat hurricane flood
gift present receive: necklace ring book flowers card watch bracelet surprise voucher wrapped gave
symbol symbolize meaning represent: reminds stands love strength freedom courage faith necklace tattoo pride
award win achievement accomplish success: prize medal trophy first champion won contest competition title record certificate scholarship
advice recommend suggestion tip: should try suggest recommend advise idea
self care relax destress unwind calm: meditation yoga bath walk run read violin massage nature journaling music breathe
challenge struggle difficulty obstacle setback: hard tough stress lost failed problem fear difficult worry rejected
allergic allergy: peanut dairy lactose gluten pollen cat dog nut shellfish
language speak: english spanish french german italian chinese japanese korean portuguese russian arabic hindi swedish
name call: named called nickname
ethnicity heritage origin nationality roots: born country homeland grandparents immigrant culture native
meeting schedule appointment deadline: tomorrow calendar reschedule agenda call invite due
price cost pay: dollar euro paid cheap expensive budget fee rent discount bill
news report update announcement: announced published released launched reported statement
bug error issue problem fix: crash fails broken exception patch regression incident outage resolved
release version upgrade: launched shipped update changelog beta patch deployed migration
decision decide choose: chose agreed opted picked settled approved rejected
`;

/** Words that mean nearly the same in everyday speech; each line is one group. */
const synonymLines = `
mom mother mum mama
dad father papa
kid child
grandma grandmother granny nana
grandpa grandfather
wife husband spouse partner
begin start launch
buy purchase bought order pick
car vehicle auto
job career work profession occupation employment
movie film
photo picture image photograph pic snapshot
trip travel journey vacation holiday getaway
visit travel went see
house home place
flat apartment condo
happy glad joy excited thrilled delighted
sad upset unhappy
angry mad furious
scared afraid fear frightened
study learn course class
teacher instructor coach
buddy friend pal
doctor physician
sick ill unwell
injure hurt sprain wound
help support assist
like love enjoy adore favorite favourite fond fan passion
hate dislike despise
prefer favorite favourite rather
big large huge
quit leave resign stop
fire laid lost
join attend participate enroll sign
hike trek trail
run jog race marathon
bike bicycle cycle
cook bake recipe prepare
dance ballet choreography
paint draw sketch art
meet encounter
plan intend going want
research investigate look study explore
adopt adoption agency
marry wedding
raise fundraiser money donate
volunteer charity shelter
band group
author writer
gift present
store shop
company business firm
relax unwind destress calm chill
exercise workout gym train
pet dog cat
win award prize medal trophy
move relocate moved
wish hope dream
inspire motivate influence
realize understand discover learn
create make build design
camp camping tent
beach sea ocean coast
forest woods
therapy counseling counselor
mental psychological
talk chat discuss conversation speech
give gave donate
receive got given
recent lately new
important value significant
nervous anxious anxiety stress worry
surgery operation
scared afraid terrified frightened nightmare
symbol represent remind mean
advice recommend suggest tip
town city
boss manager
colleague coworker teammate
baby newborn pregnant expecting
beautiful gorgeous stunning lovely
tired exhausted
speech talk presentation
class workshop lesson
meal dinner lunch breakfast food
game gaming
picnic park
own have got
live reside based
born birth hometown
sport team
fix repair
finish complete done
fail failed rejected
allergic allergy
cost price pay spend
deadline due
error bug crash failure
release ship launch version
`;

/** Questions are asked in a more formal register than things are told; one direction only. */
const registerLines = `
purchase acquire obtain: buy bought picked ordered
attend: went joined visited
participate partake engage: join joined tried took part running
reside: live moved stay
commence initiate: start began
receive: gave given gift present
assist aid: help support
require: need
desire aspire: want wish dream hope
consume: eat drink ate
construct: build built made
repair: fix
converse communicate: talk chat spoke call
encounter: met meet saw ran
organize arrange host: plan planned held throw set party
possess own: mine bought keep
utilize employ: use
discover: found find learn
inspire motivate influence: encourage because thanks made role model
pursue: study studying career become going working
overcome cope: manage got through deal helps
express convey: show say feel
favorite favourite preferred: love best enjoy like
residence: house apartment home place
spouse: husband wife
sibling: brother sister
companion: friend buddy dog partner
gathering event: party meetup dinner get-together festival
excursion outing: trip hike drive picnic camping
performance: show concert play dance stage
achievement accomplishment milestone: won finished proud completed first award passed
setback difficulty hardship: lost failed hard tough injury hurt struggling
frequently regularly often: every usually always weekly daily
beverage: drink coffee tea
automobile vehicle: car truck
income finances financial: money salary afford
illness disease: sick cancer flu
emotion feeling: happy sad nervous excited proud scared felt
significance meaning: mean special symbol reminds represents
memorable favorite moment: remember unforgettable amazing best
origin: grew born country home
occupation profession: work job
interested interest passionate passion: love into enjoy hobby obsessed
hobby leisure spare free time: weekend enjoy love into
improve enhance: better learn practice
raise awareness: charity fundraiser community
collect collection: figurines stamps records vinyl shelf
recommend suggestion: should try check
prepare preparation ready: practice training planning study
dislike hate: boring annoying not fan
decorate decoration: paint lights wall furniture
volunteer volunteering: helped shelter kitchen homeless charity community
exercise fitness routine: gym run yoga workout swim lifting
vacation getaway trip: beach hotel flight went mountains
celebrate celebration: birthday party anniversary cake
adopt adoption: agency kids dog shelter puppy
damage accident: broke crashed hit flood fire
deceased passed death: died lost funeral
`;

interface Expansion {
  readonly term: string;
  readonly kind: 'member' | 'synonym';
}

let expansionsByStem: Map<string, Expansion[]> | undefined;

/** What else an answer may say where the question says `term` (a stem). Built on first use from the lines above. */
export function expandTerm(term: string): readonly Expansion[] {
  expansionsByStem ??= buildExpansions();
  return expansionsByStem.get(term) ?? [];
}

function buildExpansions(): Map<string, Expansion[]> {
  const found = new Map<string, Map<string, Expansion['kind']>>();
  const add = (from: string, to: string, kind: Expansion['kind']): void => {
    if (from === to) return;
    const targets = found.get(from) ?? new Map<string, Expansion['kind']>();
    if (kind === 'synonym' || !targets.has(to)) targets.set(to, kind);
    found.set(from, targets);
  };
  for (const line of categoryLines.trim().split('\n')) {
    const [kinds = '', members = ''] = line.split(':');
    for (const kind of stemsOf(kinds)) for (const member of stemsOf(members)) add(kind, member, 'member');
  }
  for (const line of registerLines.trim().split('\n')) {
    const [formal = '', casual = ''] = line.split(':');
    for (const from of stemsOf(formal))
      for (const to of stemsOf(casual)) if (!stopWords.has(to)) add(from, to, 'synonym');
  }
  for (const line of synonymLines.trim().split('\n')) {
    const group = stemsOf(line);
    for (const from of group) for (const to of group) add(from, to, 'synonym');
  }
  return new Map([...found].map(([term, targets]) => [term, [...targets].map(([to, kind]) => ({ term: to, kind }))]));
}

function stemsOf(words: string): string[] {
  return words.trim().split(/\s+/).filter(Boolean).map(stem);
}
