//! Whether a text is about private life. In doubt it is: what is left out costs nothing, what is said cannot be taken back.
//!
//! Words that name private matters block, unless they stand in an expression of business ("parental-leave policy",
//! "family business"). The lists are our own, in English, German and French.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{find, key};

/// What of private life it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Relatives, children, marriage, partners.
    Family,
    /// Illness, body, mind.
    Health,
    /// Travel, free time, celebrations.
    FreeTime,
    /// Where and how somebody lives, own money.
    Home,
    /// Belief.
    Religion,
    /// Parties, votes, unions, protest.
    Politics,
    /// Love, origin, age.
    Identity,
    /// Deaths, courts, scandals.
    Trouble,
}

/// Expressions of business that hold a private word: they are taken out first. As keys.
#[rustfmt::skip]
const BUSINESS: &[&str] = &[
    "parental leave policy", "parental leave policies", "parental leave benefit", "parental leave benefits",
    "parental leave programme", "parental leave program", "family leave policy", "family owned", "family run",
    "family business", "family businesses", "family company", "family office", "family offices", "product family",
    "family of products", "family of brands", "font family", "family entertainment", "family law practice",
    "family dining", "baby food", "baby products", "baby care", "baby boomers", "children s books", "childrens books",
    "childrens hospital", "childrens hospitals", "childrens wear", "childcare provider", "childcare centres",
    "childcare benefit", "kids wear", "kids apparel", "child safety", "child company", "child theme",
    "child accounts", "child records", "parent company", "parent companys", "parent group", "parent organisation", "parent organization",
    "mother company", "sister company", "sister brand", "daughter company", "maternity ward", "maternity wards",
    "maternity wear", "maternity units", "wedding venues", "wedding marketplace", "wedding industry",
    "wedding platform", "school holidays", "holiday season", "holiday peak", "holiday sales", "holiday shopping",
    "holiday quarter", "holiday returns", "holiday campaign", "holiday volume", "holiday parks", "holiday park",
    "holiday lets", "holiday rentals", "holiday retailer", "bank holiday", "bank holidays", "public holidays",
    "holiday inn", "holiday calendar", "holiday pay", "holiday allowance", "vacation rental", "vacation rentals",
    "vacation policy", "vacation ownership", "ski resort", "ski resorts", "ski lifts", "ski retailer", "cruise line",
    "cruise lines", "cruise operator", "beach resorts", "beach hotels", "camping equipment", "business trip",
    "business trips", "round trip", "trip planning", "trips per", "sports betting", "gym chain", "gym chains",
    "gyms chain", "pet food", "pet care", "pet insurance", "pet retailer", "pet products", "dog food", "cat food",
    "garden centre", "garden centres", "garden center", "garden centers", "kitchen equipment", "kitchen appliances",
    "kitchen maker", "commercial kitchens", "home page", "home market", "home care", "home goods", "home delivery",
    "home improvement", "home loans", "home builder", "home builders", "home insurance", "home office",
    "home appliances", "home depot", "home furnishings", "home textiles", "smart home", "nursing home",
    "nursing homes", "care home", "care homes", "home health", "work from home policy", "house brand", "in house",
    "clearing house", "open house", "publishing house", "auction house", "house of brands", "mortgage lender",
    "mortgage lending", "mortgage broker", "mortgage software", "mortgage applications", "mortgage business",
    "mortgage bank", "mortgage products", "mortgages platform", "health system", "health systems", "health care",
    "health plan", "health plans", "health insurer", "health insurance", "health tech", "health data", "health check",
    "health score", "health scores", "deal health", "pipeline health", "digital health", "public health",
    "occupational health", "mental health platform", "mental health app", "mental health benefit",
    "sick leave policy", "cancer research", "cancer screening", "cancer drug", "cancer centre", "cancer center",
    "oncology cancer", "cancer diagnostics", "cancer therapies", "surgery centers", "surgery centres",
    "surgery robots", "surgical", "gene therapy", "cell therapy", "therapy devices", "therapy centres",
    "weight loss drug", "disability insurance", "disability insurer", "allergy drug", "covid test", "covid tests",
    "injury claims", "church management", "faith based investing", "good faith", "religious schools operator",
    "election software", "election security", "voting rights of shareholders", "voting shares", "voting software",
    "proxy voting", "political risk", "third party", "third parties", "conservative estimate",
    "conservative forecast", "conservative guidance", "rally in shares", "marketing campaign", "union square",
    "credit union", "credit unions", "european union", "customs union", "western union", "death benefit",
    "divorce law practice", "birthday cards", "salary benchmarking", "salary data", "salary software", "salary bands",
    "salary transparency", "debt financing", "debt round", "debt facility", "venture debt", "technical debt",
    "debt collection", "data protest", "gift registry", "instagram ads", "instagram shop", "instagram shops",
    "facebook ads", "instagram campaign", "dating app", "dating apps", "dating platform", "marathon petroleum",
    "marathon digital", "football club", "football clubs", "golf courses", "golf equipment", "running shoes",
    "wine importer", "wine retailer", "wine merchant", "wine estates", "cooking appliances", "muttergesellschaft",
    "tochtergesellschaft", "elternzeit regelung", "urlaubsplanung software", "ferienhaeuser", "ferienparks",
    "maison mere", "maison dedition", "maison de retraite", "maisons de retraite", "entreprise familiale",
    "groupe familial", "filiale", "conges payes", "parti prenante", "femmes dirigeantes", "maison de luxe",
    "in der familie geblieben",
];

/// Private words, as keys; a `*` stands for any ending.
#[rustfmt::skip]
const PRIVATE: &[(Topic, &[&str])] = &[
    (
        Topic::Family,
        &[
            "wife", "husband", "spouse", "hubby", "fiance*", "marri*", "wed", "wedding*", "newlywed*", "honeymoon*",
            "divorc*", "daughter*", "son", "sons", "kid", "kids", "child", "children", "childrens", "childcare",
            "baby", "babies", "toddler*", "newborn*", "pregnan*", "maternity", "paternity", "parental", "parent",
            "parents", "parenthood", "parenting", "mother*", "father*", "mom", "moms", "mum", "mums", "dad", "dads",
            "papa", "brother", "brothers", "sister", "sisters", "sibling*", "twin", "twins", "grandm*", "grandf*",
            "grandp*", "grandch*", "grands*", "niece*", "nephew*", "cousin*", "aunt", "uncle", "in laws",
            "mother in law", "family", "families", "familial", "household", "kindergarten", "school run", "stepson",
            "stepdaughter", "expecting", "adopted", "adoption of a child", "familie", "familien", "ehefrau",
            "ehemann", "tochter", "sohn", "soehne", "kinder", "kind", "schwanger*", "elternzeit", "mutterschutz",
            "hochzeit*", "heirat*", "geheiratet", "verheiratet", "verlobt*", "eltern", "bruder", "schwester", "oma",
            "opa", "famille", "epouse", "epoux", "sa femme", "son mari", "votre femme", "votre mari", "mari", "fille",
            "filles", "fils", "enfant*", "bebe", "mariage", "enceinte", "conge maternite", "conge paternite", "maman",
            "papa", "soeur", "frere", "grossesse", "naissance", "geburt", "mama", "nanny", "babysitter",
            "her partner of", "his partner of", "boyfriend", "girlfriend", "life partner",
        ],
    ),
    (
        Topic::Health,
        &[
            "cancer", "tumour*", "tumor*", "chemo*", "surgery", "operation on", "diagnos*", "illness*", "sick",
            "sickness", "ill", "hospitalised", "hospitalized", "in hospital", "from hospital", "in the hospital",
            "therapist", "therapy", "depress*", "burnout", "burned out", "burnt out", "rehab", "sober", "sobriety",
            "alcohol*", "addict*", "injur*", "broken leg", "broken arm", "broke her", "broke his", "broke your",
            "diet", "weight", "disabilit*", "disabled", "adhd", "autis*", "medication*", "covid", "allerg*", "health",
            "heart attack", "stroke", "diabet*", "mental health", "anxiety", "insomnia", "recovery from",
            "recovering", "miscarriage", "ivf", "menopause", "wheelchair", "pacemaker", "krank", "krankheit*",
            "krebs", "operiert", "erkrank*", "genes*", "reha", "malade", "maladie", "hospitalise*", "operee",
            "cancer", "sante fragile", "convalescence", "physio*", "doctor told", "quit smoking", "panic attack*",
            "knee replacement",
        ],
    ),
    (
        Topic::FreeTime,
        &[
            "vacation*", "holiday", "holidays", "holidaying", "beach", "beaches", "safari", "cruise", "cruises",
            "trip", "trips", "getaway", "backpack*", "camping", "hike", "hiked", "hiking", "hikes", "ski", "skiing",
            "skied", "snowboard*", "surfing", "surf trip", "sailing", "marathon", "triathlon", "ironman",
            "half marathon", "personal best", "golf", "tennis", "yoga", "gym", "crossfit", "football", "hobby",
            "hobbies", "guitar", "karaoke", "birthday*", "bday", "anniversary dinner", "weekend*", "barbecue", "bbq",
            "concert", "festival with", "netflix", "instagram", "facebook", "tiktok", "strava", "spotify",
            "photo of you", "photos of you", "photos from your", "pictures from your", "holiday photos", "sunburn*",
            "tan", "drunk", "drinking", "wine", "whisky", "cooking", "sourdough", "stag do", "hen do",
            "bachelor party", "bachelorette", "urlaub*", "ferien", "geburtstag*", "wochenende", "wandern",
            "wanderung", "skifahren", "vacances", "anniversaire", "plage", "randonnee", "week end", "weekend en",
            "voyage a", "reise nach", "hobbys", "off duty", "spare time", "free time", "chess club", "choir", "poker",
        ],
    ),
    (
        Topic::Home,
        &[
            "house", "home", "homes", "apartment", "flat", "condo", "mortgage*", "backyard", "garden", "kitchen",
            "renovat*", "moved house", "moving house", "moved in", "neighbour*", "neighbor*", "neighborhood",
            "lives in", "live in", "living in", "lives near", "live near", "street where", "commute", "dog", "dogs",
            "puppy", "cat", "cats", "kitten*", "pet", "pets", "horse", "horses", "salary", "bankruptcy personal",
            "personally bankrupt", "own debt", "debt", "debts", "credit score", "net worth", "inherit*", "car broke",
            "her car", "his car", "your car", "new tesla", "porsche", "nachbar*", "wohnung", "haus", "eigenheim",
            "umzug nach", "umgezogen", "hund", "katze", "garten", "maison", "appartement", "chien", "chat noir",
            "demenage*", "jardin", "voisin*", "wohnt in", "habite", "vit a", "school district", "airbnb stay",
            "licence plate", "license plate",
        ],
    ),
    (
        Topic::Religion,
        &[
            "church*", "mosque*", "synagogue*", "temple", "pray*", "faith", "christian", "christianity", "catholic*",
            "protestant*", "muslim*", "islam*", "jewish", "judaism", "hindu*", "buddhis*", "mormon*", "atheis*",
            "ramadan", "lent", "easter service", "hanukkah", "diwali", "eid", "yom kippur", "bible", "quran", "torah",
            "religio*", "pastor", "priest", "rabbi", "imam", "baptis*", "bar mitzvah", "bat mitzvah", "communion",
            "pilgrim*", "kirche*", "glaube", "glauben", "taufe", "konfirmation", "eglise", "leglise", "bapteme", "croyant*",
            "messe", "god", "gott", "halal", "kosher", "spiritual*", "missionary", "hajj", "mecca",
        ],
    ),
    (
        Topic::Politics,
        &[
            "vote", "voted", "voter", "votes", "voting", "democrat", "democrats", "republican*", "gop",
            "labour party", "tory", "tories", "conservative*", "left wing", "right wing", "liberal views",
            "socialist*", "election*", "elected to", "ran for", "running for council", "city council seat",
            "campaign*", "donated to", "donation to", "protest*", "demonstration", "rally", "rallies", "activis*",
            "abortion", "gun rights", "gun control", "brexit", "maga", "antifa", "union member*", "trade union",
            "unionis*", "unioniz*", "strike committee", "political*", "politics", "partei", "parteimitglied",
            "gewaehlt", "waehlt", "wahlkampf", "gewerkschaft*", "demo in", "parti politique", "elections",
            "syndicat*", "manifestation", "militant*", "greens member", "petition", "immigration status",
        ],
    ),
    (
        Topic::Identity,
        &[
            "gay", "lesbian", "bisexual", "transgender", "queer", "came out as", "coming out", "sexual*", "dating",
            "tinder", "single again", "single mum", "single mom", "single dad", "breakup", "broke up", "ethnic*",
            "race", "racial", "skin colour", "skin color", "nationality", "immigrant*", "refugee*", "turned 30",
            "turned 40", "turned 50", "turned 60", "turning 30", "turning 40", "turning 50", "turning 60",
            "years old", "year old", "born in", "age of", "her age", "his age", "your age", "zodiac", "star sign",
            "horoscope", "schwul", "lesbisch", "jahre alt", "geboren in", "ans la semaine", "homosexuel*", "tattoo*",
            "haircut", "looks great", "outfit", "attractive", "maiden name", "hometown", "accent", "mother tongue",
        ],
    ),
    (
        Topic::Trouble,
        &[
            "funeral*", "died", "death", "dead", "passed away", "bereave*", "mourning", "grief", "grieving",
            "condolence*", "obituary", "arrest*", "convicted", "dui", "drunk driving", "custody", "restraining order",
            "affair with", "affair", "scandal around her", "personally sued", "lawsuit against him",
            "lawsuit against her", "gestorben", "verstorben", "beerdigung", "trauer*", "deces*", "obseques", "deuil",
            "suicid*", "robbed", "burgl*", "accident", "unfall", "victim", "assault*", "jail", "prison",
        ],
    ),
];

/// The private matter a text is about, and the word that says so; nothing if it is about none we know.
#[must_use]
pub fn personal(text: &str) -> Option<(Topic, String)> {
    let mut key = key(text);
    for phrase in BUSINESS {
        while let Some(at) = find(&key, phrase) {
            // A sign no key has keeps what stands on either side from becoming an expression.
            key.replace_range(at..at + phrase.len(), "|");
        }
    }
    PRIVATE.iter().find_map(|(topic, words)| words.iter().find_map(|w| hit(&key, w)).map(|words| (*topic, words)))
}

fn hit(key: &str, pattern: &str) -> Option<String> {
    let Some(start) = pattern.strip_suffix('*') else { return find(key, pattern).map(|_| pattern.to_owned()) };
    key.split(' ').find(|w| w.starts_with(start)).map(str::to_owned)
}
