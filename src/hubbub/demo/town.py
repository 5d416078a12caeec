"""Who lives in the town, and which chats they have: the same at every start."""

from dataclasses import dataclass
from random import Random
from typing import Final

VISITOR: Final = "ada"
"""The user name of whoever looks at the demo: a member of every chat."""

_NAMES: Final = {
    "en": "maya:Maya Brooks liam:Liam Carter zoe:Zoe Hart noah:Noah Ellis ruby:Ruby Quinn "
    "owen:Owen Marsh ivy:Ivy Lowell",
    "de": "jonas:Jonas Weber lena:Lena Vogt finn:Finn Krüger mia:Mia Brandt",
    "fr": "camille:Camille Roux hugo:Hugo Lambert ines.m:Inès Moreau theo:Théo Girard",
    "es": "lucia:Lucía Ortega mateo:Mateo Ríos carmen:Carmen Vidal diego:Diego Salas",
    "pt": "beatriz:Beatriz Lopes rafael:Rafael Nunes ines.d:Inês Duarte",
    "tr": "elif:Elif Yıldız emre:Emre Kaya deniz:Deniz Aksoy",
    "ru": "anna:Анна Орлова ivan:Иван Белов maria:Мария Лебедева oleg:Олег Соколов",
    "el": "eleni:Ελένη Παππά nikos:Νίκος Βλάχος sofia:Σοφία Δήμου",
    "ar": "layla:ليلى حداد omar:عمر نصار sara:سارة منصور",
    "he": "noa:נועה לוי eitan:איתן ברק",
    "hi": "aarav:आरव शर्मा priya:प्रिया नायर rohan:रोहन मेहता",
    "zh": "xiaoyu:林小雨 chenhao:陈浩 siyuan:王思远 lijing:李静",
    "ja": "hina:佐藤陽菜 ren:高橋蓮 misaki:鈴木美咲",
    "ko": "seoyeon:김서연 jihun:박지훈 haeun:이하은",
}

_GROUPS: Final = (
    ("Everybody", "en de fr es pt tr ru el ar he hi zh ja ko", 50, 6),
    ("Lighthouse crew", "en", 7, 9),
    ("Weekend hikers 🥾", "en de", 10, 8),
    ("Küche & Kaffee", "de fr", 7, 5),
    ("Les midis du jeudi", "fr", 6, 5),
    ("Fútbol los martes ⚽", "es pt", 7, 8),
    ("Praia & música", "pt es", 6, 4),
    ("Mahalle 🌿", "tr", 5, 4),
    ("Дача", "ru", 6, 6),
    ("Νησιά", "el", 5, 3),
    ("سوق الجمعة", "ar", 5, 4),
    ("ארוחת שישי", "he", 4, 3),
    ("चाय पर चर्चा", "hi", 5, 4),
    ("周末火锅 🍲", "zh", 6, 7),
    ("花見の会", "ja", 5, 4),
    ("주말 등산", "ko", 5, 4),
)
"""Title, languages, members, and how lively it is."""

_DIRECT: Final = (("maya", 5), ("jonas", 3), ("camille", 3), ("xiaoyu", 4))
"""With whom the visitor talks alone, and how lively."""


@dataclass(frozen=True, slots=True)
class Person:
    """A bot, or the visitor."""

    username: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A group, or a direct chat with the visitor (`title` None); the members are user names."""

    title: str | None
    members: tuple[str, ...]
    languages: tuple[str, ...]
    weight: int

    def language(self, person: Person) -> str:
        """What this person speaks here."""
        return person.language if person.language in self.languages else self.languages[0]


@dataclass(frozen=True, slots=True)
class Town:
    """50 bots and the visitor, by user name; 20 chats."""

    people: dict[str, Person]
    chats: tuple[Chat, ...]

    @property
    def bots(self) -> list[Person]:
        """Everybody but the visitor."""
        return [person for name, person in self.people.items() if name != VISITOR]


def town() -> Town:
    """The town."""
    bots = [
        Person(*entry, language) for language, names in _NAMES.items() for entry in _entries(names)
    ]
    people = {VISITOR: Person(VISITOR, "Ada Winter", "en")}
    people |= {bot.username: bot for bot in bots}
    random = Random("town")
    groups = [_group(bots, random, *group) for group in _GROUPS]
    direct = [
        Chat(None, (VISITOR, name), (people[name].language,), weight) for name, weight in _DIRECT
    ]
    return Town(people, (*groups, *direct))


def _entries(names: str) -> list[tuple[str, str]]:
    """`ann:Ann Lee bob:Bob Ray` as pairs."""
    words, found = names.split(" "), list[list[str]]()
    for word in words:
        if ":" in word:
            found.append(list(word.split(":")))
        else:
            found[-1][1] += f" {word}"
    return [(username, name) for username, name in found]


def _group(
    bots: list[Person], random: Random, title: str, languages: str, size: int, weight: int
) -> Chat:
    spoken = tuple(languages.split())
    native = [bot.username for bot in bots if bot.language in spoken]
    others = [bot.username for bot in bots if bot.language not in spoken]
    members = native[:size] + random.sample(others, max(0, size - len(native)))
    return Chat(title, (VISITOR, *members), spoken, weight)
