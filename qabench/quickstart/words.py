"""Word lists of the value grammars."""

ONSETS = "b br c cr d dr f fr g gr h j k kl l m n p pr r s sh sk st t th tr v w z".split()
NUCLEI = "a e i o u a e i o ea ou ai ie".split()
CODAS = "n r l s m t ck nd rn st ll rd x th lm".split()

FIRST_NAMES = (
    "Adele Agnes Albert Alma Anders Anna Anton Arthur Astrid Beatrice Boris Carla Cecil Clara "
    "Conrad Daniel Dora Edith Edmund Elena Elias Emil Erik Esther Felix Flora Frida George Greta "
    "Gustav Hanna Harold Hector Helen Hugo Ida Igor Irene Isaac Jakob Jane Johan Judith Karl Laura "
    "Leon Lina Louis Lucia Magnus Maria Martin Mathilda Miriam Nadia Nils Nora Olga Oscar Paula "
    "Peter Philip Rosa Ruth Samuel Sofia Stefan Thea Theodor Thomas Ursula Victor Walter Wilma"
).split()
INITIALS = "A B C D E F G H J K L M N P R S T W".split()
TITLES = ("Captain", "Professor", "Dr.", "Judge", "Colonel", "Major")
APPOSITIONS = (
    "a retired whaler",
    "a former schoolteacher",
    "a wealthy landowner",
    "an experienced navigator",
    "the youngest of three sisters",
    "a clockmaker by trade",
    "a retired merchant",
    "an amateur historian",
    "a friend of the king",
    "the eldest of five brothers",
)

PLACE_SUFFIXES = "ton ville mouth wick holm burg field haven ford dale stad port".split()
PLACE_PREFIXES = ("Port", "New", "Upper", "Saint")
PLACE_KINDS = (
    "fishing village",
    "port city",
    "border village",
    "mountain village",
    "harbour city",
    "coastal village",
)

MONTHS = (
    "January February March April May June July August September October November December"
).split()
SEASONS = ("spring", "summer", "autumn", "winter")
ABOUT = ("", "", "", "about ", "nearly ", "more than ")

SHIP_NOUNS = "petrel lantern falcon star compass harbour anchor crown wolf bell rose swan".split()
TITLE_NOUNS = "lantern river tower mountain horizon forest mirror road bridge winter garden".split()
TITLE_ADJECTIVES = "silver lonely quiet crimson hollow distant broken amber hidden grey".split()
SOCIETIES = ("Society", "Institute", "Trust", "Foundation", "Academy")
ROYAL = ("Society", "Academy", "College", "Library")
PARTNERS = ("Sons", "Brothers", "Partners")

MATERIALS = (
    "copper,brass,oak,ash wood,cast iron,glass,leather,granite,sandstone,bronze,steel,marble,cedar,"
    "red brick,slate,limestone,silk,wool,clay,tin"
).split(",")
FINISHES = ("polished", "local", "thick", "imported", "black")
JOINS = ("covered with", "bound with", "lined with")
GOODS = (
    "barley,salted fish,timber,olive oil,wool,glassware,paper,porcelain,leather goods,cider,clocks,"
    "rope,sheep cheese,linen,coal,honey,tobacco,sugar,bicycles,pianos,furniture,ink,canned fruit,"
    "candles"
).split(",")
GOODS_ADJECTIVES = ("fine", "cheap", "painted", "smoked", "hand made", "coarse")

CREW = ("sailors", "porters", "guides", "hunters")
SPECIALISTS = ("scientists", "officers", "surgeons", "painters", "dogs")
TROUBLE_ADJECTIVES = ("a severe", "a long", "a sudden", "a second", "a terrible")
TROUBLES = (
    "storm,fire,flood,outbreak of fever,shortage of food,strike,earthquake,famine,explosion,"
    "drought,collapse of prices,swarm of locusts"
).split(",")
TROUBLE_PLACES = (
    "near the coast",
    "in the harbour district",
    "during the first winter",
    "in the northern provinces",
    "before the harvest",
)
POWERS = (
    "steam,falling water,a small coal furnace,two horses,a pair of copper coils,compressed air,"
    "a heavy spring,a wind wheel,a petrol engine,a hand crank,four lead batteries,hot oil"
).split(",")
USES = (
    "weaving heavy cloth,cutting sheet metal,sorting grain,printing railway tickets,"
    "drying tobacco leaves,lifting stone blocks,pressing wet paper,polishing glass,folding maps,"
    "spinning rough wool,grinding coffee beans,drilling deep wells"
).split(",")
USE_PLACES = ("in cold weather", "in narrow workshops", "in large quantities")
DISCOVERIES = (
    "a hot spring,three unknown islands,a vast salt lake,a colony of white seals,"
    "the wreck of an older vessel,a deposit of silver ore,an abandoned camp,a new sort of gull,"
    "a hidden mountain pass"
).split(",")
SURVEY_VERBS = "map survey explore chart photograph measure cross study".split()
SURVEY_ADJECTIVES = "unknown northern frozen upper inland eastern uninhabited".split()
SURVEY_OBJECTS = "coast valleys glaciers lakes caves marshes reefs plateau".split()
SURVEY_EXTRAS = (
    "collect rare plants",
    "record local songs",
    "gather rock samples",
    "draw old maps",
    "count bird colonies",
)
CARE_VERBS = "protect honour teach feed unite entertain house train".split()
CARE_OBJECTS = (
    "the poor,young sailors,visiting merchants,local farmers,orphans,travelling musicians,"
    "royal guests"
).split(",")
CARE_TIMES = ("during the long winter", "during the harvest", "in the war years")
RUINS = ("an old", "a burned", "a Roman", "an abandoned")
RUIN_PARTS = ("the ruins", "the foundations", "the remains")
RUIN_KINDS = ("monastery", "granary", "market hall", "fortress", "mill")
MOTTO_WORDS = ("always", "together", "quietly", "boldly", "proudly")
MOTTO_ENDS = (
    "forward,stronger,with honour,for the people,by the sea,without fear,into the light,"
    "at your side,against the wind"
).split(",")

HABITAT_ADJECTIVES = ("damp", "dry", "rocky", "shaded", "high", "salty")
HABITATS = ("pine forests", "river banks", "sea cliffs", "meadows", "deserts", "marshes", "caves")
FOODS = (
    "small crabs,beetles,fallen fruit,moss,river snails,seeds,young leaves,worms,fish eggs,"
    "grass roots,berries"
).split(",")
JOBS = (
    "botanist painter engineer composer surgeon poet astronomer diplomat printer geologist teacher "
    "sculptor architect"
).split()
AWARDS = ("Medal", "Prize", "Cross", "Order")
AWARD_FIELDS = ("Science", "Bravery", "Poetry", "Music", "Public Service")

ADJUNCTS = (
    "without much notice",
    "despite many objections",
    "to general surprise",
    "against all advice",
    "after long talks",
    "with some difficulty",
)
OPENERS = (
    "According to one account,",
    "As far as is known,",
    "By all reports,",
    "To the surprise of many,",
    "As the records show,",
)
FILLERS = (
    "Records from this period are incomplete",
    "Few visitors know this story today",
    "Several newspapers wrote about this at the time",
    "Opinions on the matter are divided",
    "Not all of the details are certain",
    "The archives were moved several times",
    "Later writers have repeated the account with small changes",
    "A short film about the subject was made much later",
    "Many of the original documents have been lost",
    "Experts still argue about the figures",
)

# Of the pretraining alone: attributes and actions that no quickstart question mentions.
ATTRIBUTES = (
    "colour emblem patron guardian rival neighbour assistant secretary supplier origin address "
    "model result outcome basis core tool gift symbol anthem flag recipe song dance uniform seal "
    "partner critic heir author editor printer publisher painter target effect reach range depth "
    "share debt rule law nickname entrance roof floor hall gate wall garden bell crown sword ring "
    "key letter diary portrait statue coin stamp label logo brand style school church square "
    "street station bridge border island lake hill peak valley forest keeper tutor judge witness "
    "donor sister ally enemy guest landlord tenant translator narrator sculptor cook driver pilot "
    "weapon shield mascot feast holiday ritual prayer prize fee fine toll code signal language "
    "dialect alphabet scale tempo chorus theme subject title chapter moral lesson warning promise"
).split()
ATTRIBUTE_ADJECTIVES = (
    "first second main former official favourite largest oldest secret royal".split()
)
PARTICIPLES = (
    "admired borrowed copied defended engraved funded guarded hosted inspected judged laundered "
    "mocked named observed praised questioned recorded rented restored sketched smuggled "
    "surrounded tested translated trusted visited warned welcomed abandoned absorbed attacked "
    "balanced blessed burned censored challenged cleaned condemned described dismantled "
    "enlarged escorted exhibited extended filmed followed guided honoured imitated insulted "
    "insured isolated lifted marked mentioned mourned opposed painted photographed planted "
    "predicted preserved promised protected published raised reformed removed repaired replaced "
    "rescued respected ridiculed scorched searched selected settled shielded signed silenced "
    "sponged supported suspected targeted taxed tempted treated unmasked valued"
).split()
