/**
 * Kinds that people ask for by name and speak of by example: "which instruments" is answered by "my violin". One line each:
 * the words of the question, then the words of the answers. Written by hand for everyday life; no data set was consulted.
 */
export const categoryLines = `
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
pet animal companion: tortoise gecko chick chicken hen goat pony beagle labrador retriever poodle terrier greyhound dachshund husky collie siamese tabby rescue aquarium leash vet
sport exercise fitness active: rugby cricket badminton squash rowing skating archery fencing judo karate boxing sparring triathlon marathon hiking climbing bouldering sprint gymnastics softball netball lacrosse bowling ballet aerobics weights lap treadmill
health condition problem medical: pacemaker stroke migraine infection cholesterol fracture insomnia arthritis ulcer concussion fever cough virus covid transplant chemo cardiologist heart kidney lung liver stomach knee hip meniscus crutches cast cane wheelchair antibiotics pill prescription rash hernia appendix tumor
illness sick disease: infection flu cold cancer covid fever virus pneumonia antibiotics cough stroke
injury hurt accident: bruise burn cut scar stitches crutches cast concussion wound hip rib collarbone slipped fell crash
health improve: diet exercise gym quit smoking vegetarian vegan cholesterol weight sleep swim run therapy walk
job career profession occupation employment living: welder plumber electrician carpenter architect judge pediatrician surgeon dentist pharmacist vet paramedic firefighter police soldier pilot sailor driver farmer gardener waiter bartender cashier journalist editor translator photographer musician painter actor director producer programmer analyst banker consultant librarian professor tutor coach therapist psychologist scientist researcher physicist biologist chemist politician priest tailor barber hairdresser florist baker butcher cleaner secretary receptionist assistant apprentice retired practice freelance agency shipyard ward clinic lab firm startup shop factory
promotion promote role position: lead manager director senior head chief supervisor partner
work colleague coworker team: boss manager teammate junior senior assistant intern employee staff hired apprentice supervisor
employee staff: hired colleague assistant worker team
vegetarian vegan diet dietary: meat fish tofu bean vegetable plant dairy egg cheese gluten
meat: steak beef pork chicken lamb bacon sausage ham burger kebab turkey
restaurant cafe: menu waiter table brunch dinner cuisine reservation diner bistro pizzeria
food dish meal eat: chili samosa dumpling omelette pie casserole barbecue ramen noodle tofu falafel hummus kebab paella risotto waffle cereal porridge beans egg cheese seafood shrimp lobster
dessert sweet bake: cheesecake pudding cinnamon roll waffle fudge macaron croissant biscuit scone marshmallow custard
drink beverage: lemonade cocoa espresso latte cappuccino champagne cider rum gin soup
relative family member: stepmother stepfather stepbrother stepsister nan gran grandson granddaughter grandchild auntie nephew inlaw godmother fiance newlywed
family oriented close: kids boys girls son daughter together home dad mom parents generation
parent parental figure raise: mother father mom dad grandmother grandfather aunt uncle guardian raised brought
child kid: boys girls twin newborn teen teenager grandchild pregnant born
relationship partner date dating: kiss crush met dinner couple together split broke ex romantic smitten
break separate split up: ex divorce ended mutual apart single
wedding marry propose proposal: ring knee yes engaged engagement venue vows reception invitation dress honeymoon guests
present gift birthday: card cake book camera telescope watch guitar bike puppy ticket scarf sweater perfume toy
keepsake memento souvenir sentimental special object: radio ring necklace letter photo watch apron shell stone box locket brought inherited kept
jewelry accessory: ring necklace bracelet earring bangle watch brooch pendant
wildlife animal bird: seal otter hedgehog badger heron robin sparrow crow hummingbird duck swan goose frog toad snake lizard giraffe elephant lion zebra monkey gorilla turtle shark butterfly bee spider moose elk raccoon rabbit wolf
plant garden gardening grow: seedling pepper cactus fern ivy bush tree vegetable carrot bean cucumber zucchini lettuce herb mint pot balcony greenhouse orchard apple bulb soil compost seed
tree: oak pine maple birch willow apple cherry palm
color colour: gold silver beige teal navy maroon violet magenta cream tan
material made: wood oak metal steel iron glass clay paper leather silk cotton wool plastic stone brick concrete
furniture: table chair couch sofa bed desk shelf lamp bench wardrobe cradle rug
room house: kitchen bedroom bathroom attic basement garage balcony porch yard dining living
country abroad: kenya nigeria ghana slovenia croatia austria hungary romania czech denmark finland iceland iran iraq syria lebanon israel pakistan bangladesh nepal indonesia malaysia singapore philippines taiwan cuba peru chile colombia argentina zealand ethiopia tanzania uganda
city town place: manchester leeds glasgow edinburgh bristol liverpool munich hamburg vienna prague budapest warsaw lisbon porto milan venice florence athens istanbul cairo nairobi lagos mumbai delhi bangkok singapore seoul beijing shanghai kyoto dallas houston denver austin atlanta phoenix portland philadelphia detroit orleans montreal vancouver calgary melbourne
vacation trip travel holiday destination: driving cabin lake island coast mountain camper cottage resort week abroad train airport suitcase luggage passport hostel
transport commute travel way: bus bike tram train subway metro walk drive ferry cycle scooter taxi
luggage bag: suitcase backpack
musical instrument: trumpet trombone viola bass organ harmonica synthesizer lute bagpipes tambourine
music musical activity hobby: choir sing solo band orchestra concert piano guitar lesson opera song drums
opera theater theatre performance: tosca carmen musical stage act ticket play
concert performance show: solo choir orchestra stage band gig ticket audience
hobby pastime interest: pottery ceramics sewing painting running chess piano boxing swimming sailing baking birds photography astronomy stargazing collecting puzzles blogging podcast volunteering guitar karaoke salsa
creative art craft project: pottery ceramics vase bowl lettering poster design mural collage origami embroidery scrapbook blog poem quilt photo
space astronomy: telescope star planet moon meteor galaxy saturn mars rocket observatory astronaut nasa
science research topic study: lab enzyme experiment sample physics biology chemistry fungi climate genes data paper thesis
school education study class: exam test grade homework lesson thesis essay scholarship academy tutor certificate seminar training apprenticeship diploma phd masters bachelor
language: swahili dutch polish turkish greek hebrew latin mandarin cantonese hindi urdu bengali vietnamese thai yoruba sign
book read literature: poetry poem memoir page library bookshop publisher reading author novel printed copies
book title name called: chapter
stress cope relax sane calm: running run breathe walk bath yoga garden music paint pottery swim read head nature meditation sleep
hardship setback problem trouble challenge: failed flood fire stolen burst broke sick lost theft accident died fired fight
damage destroy ruin: burst flooded flood fire pipe leak storm broke broken lost crash crack
theft steal crime: stolen robbed burglar thief police
support help: promised lent cheered built volunteer advice brought fixed carried backed encouraged looked
support encourage motivate: pushed believed cheer proud always there
achieve achievement success accomplish: prize passed exam award promoted graduated published finished got top record sold
loan finance financial money: mortgage bank budget rent grant salary price insurance investor savings profit sold
business shop store: customers sales opening lease rent owner clients orders stock branch hired employees
technology device: drone robot tablet laptop smartwatch speaker gps software website server app
volunteer charity cause: hospital shelter animal children homeless fundraising food bank mentoring library community cleanup donate
mentor teach coach guide: apprentice student junior lesson class club training
event celebration party: opening birthday wedding launch housewarming shower barbecue picnic reunion farewell karaoke baptism graduation
outdoors camping adventure: tent campfire hike trail cabin kayak canoe lake stars marshmallow fishing
beach water sea: swim surf sail boat island snorkel dive waves coast
boat: sail mast hull captain canoe kayak yacht ship ferry
weather season: heatwave fog hail thunder frost ice sunshine
belief faith religious: baptism church pray mass priest synagogue bible faith
emotion feel: jealous crying cried tears laugh smile worry calm peaceful hopeful homesick furious embarrassed ashamed
fear scared afraid: heights spiders snakes water dark flying needles crowds failing alone
trait personality quality: stubborn generous calm organized curious ambitious loyal brave kind funny smart
food allergic allergy intolerant: nut egg shellfish wheat lactose
clothing clothes wear: apron uniform helmet glove sneaker sandal pajamas hoodie skirt blouse tie suit cap slippers socks
shoe: sneaker boot sandal slipper sole heel
car vehicle: van suv hybrid license driver garage engine tire mechanic
game hobby: chess cards poker scrabble monopoly puzzle trivia bingo dungeons minecraft nintendo
movie show watch series: film thriller horror comedy anime sitcom season episode trilogy premiere
social media internet online: post blog podcast channel youtube instagram followers video stream vlog
award recognition: prize medal trophy ribbon certificate scholarship grant nominated winner top
age old: birthday turned years
`;

/** Words that mean nearly the same in everyday speech; each line is one group. */
export const synonymLines = `
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
mother mum mom parent
father dad papa parent
grandmother grandma gran nan granny
grandfather grandpa grandad granddad gramps
brother sister sibling
boy son kid
girl daughter kid
uncle aunt auntie cousin
boyfriend girlfriend partner
roommate flatmate housemate
shop store bookshop bookstore
bookstore bookshop
business shop company venture
bank loan
job work role position
salary pay money wage income
boss manager supervisor
quit notice resign leave
hire hired recruit
retire retired pension
promote promotion lead
learn lesson class course study
teach lesson class train coach mentor
school class academy
exam test
pottery ceramics clay wheel
paint draw art
photo picture pic shot camera
shoot photo
film movie show cinema
song music sing
concert gig show
choir sing
opera tosca aria
book novel read
story tale
poem poet poetry
write wrote author
trip travel drive flight visit went
vacation holiday trip break week
camp tent campfire
boat ship sail
sail boat
hike walk trail climb
run jog race marathon 10k
race run marathon 10k
swim pool lap
workout gym exercise
box boxing spar fight
match fight game
lose lost beat
win won beat
bike bicycle cycle
car van vehicle drive
train rail tram
house home apartment flat place cottage
apartment flat condo
move moved apartment moving
together shared
rent lease
garden yard plant
plant grow flower seed pot
kitchen cook
cook made recipe
recipe cookbook
meal dinner lunch
steak meat beef
vegetarian vegan meat
vegan vegetarian
cake bake dessert
injure hurt broke sprain twist
hurt injured pain sore
hospital ward clinic doctor
doctor physician surgeon cardiologist vet
surgery operation operated
heart cardiologist pacemaker
sick ill infection
die died passed funeral
funeral buried died
born birth baby
pregnant baby expecting due
baby newborn daughter son
name called named
propose proposed marry ring engaged
engaged engagement ring proposed
wedding married bride groom
separate split broke breakup
date dating seeing
meet met
friend buddy mate pal
party celebration celebrate
celebrate party birthday
birthday turned
gift present bought
buy bought purchase got
purchase bought
sell sold
cost price euro dollar pound
donate donation charity raised
charity cause fundraiser nonprofit
volunteer help shelter
award prize won
prize award won
steal stolen theft robbed
find found
lose lost missing
damage flood burst broke ruined
repair fix mend restore
build made built
create made
make made built
design draw drew
start began begin opened
open opening opened launch
launch live release opened
end finish over
finish complete done
decide decision chose
plan want going hope
dream want wish
hope want wish
afraid scared fear terrified
nervous scared anxious worried
worry worried anxious
cry tears wept sobbed
happy glad thrilled proud excited
proud happy
angry furious mad cross
sad upset down
tired exhausted
calm peace relaxed quiet
stress worry pressure sane
relax calm unwind clear
love adore enjoy
enjoy love like fun
favorite love best
hate dislike awful
big large huge
small little tiny
old ancient aged
new recent
fast quick rapid
difficult hard tough
beautiful gorgeous stunning lovely
important mean special
keepsake memento souvenir
special mean important
realize learned understood
suggest recommend idea
encourage support push
help helped support
promise promised agreed
invite invited guest
guest invited visitor
ask request
speak talk call chat
speech talk words
phone call mobile
email mail message
computer laptop
software app program code
program code develop
photograph photo picture
cat kitten kitty
dog puppy pup hound
bird feather
snake reptile
forest woods
sea ocean coast beach
river stream water
mountain hill peak
storm rain wind
snow ice winter
cold freezing
hot heat warm
morning dawn
evening night
weekend saturday sunday
luggage suitcase bag baggage
clothes clothing outfit dress
shoe sneaker boot
necklace jewelry pendant
kid child toddler
teenager teen youth
adult grown
elderly old aged
neighbor nextdoor
country nation homeland
hometown grew born
relocate move moved
abroad overseas foreign
immigrate moved
language speak
church mass
politics election vote
police cops
court judge law
lawyer attorney
soldier army military veteran
war battle
museum gallery exhibition
exhibition show exhibit
theater theatre stage play
stage platform
competition contest tournament
tournament competition championship
medal trophy
team squad
coach trainer instructor
opponent against fight
goal aim target
income finances money
cover design
digitize scan scanned
commute ride bus bike
career job
title called name
`;

/** Questions are asked in a more formal register than things are told; one direction only. */
export const registerLines = `
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
occupation profession career livelihood: job works work practice
digitize: scanned scan photographed
commute: bus bike train walk drive
separate: broke split breakup ended
pass deceased: died funeral lost
illness ailment: sick infection flu
compete competition: race match fight tournament prize
renovate renovation: floor painted redo fix walls
musical: choir sing song solo band piano guitar
cope coping: helps keeps sane clear head
opponent: fought fight against beat
reaction react response: speechless cried laughed smiled shocked danced
venue location: hall place building
spouse partner: husband wife
attire: dress suit wore
vegetarian diet: meat fish vegan
childhood: grew kid young raised school
retirement: retired left pension years
career: worked job years first
embarrass embarrassing awkward: dropped spilled fell forgot
luggage: suitcase bag
infant newborn: baby born
grandchild granddaughter grandson: baby born grandpa grandma
relocate relocation: move moving moved
acquire: got bought adopted brought
injury: broke broken hurt sprained hip knee wrist ankle cast
surgery: operated operation valve pacemaker hip
cause: hospital charity shelter children
recently lately: week yesterday just
experience: felt went tried
setback: stolen failed lost broke flood
keepsake memento: brought kept necklace radio ring letter
inspiration: because wanted since
`;
