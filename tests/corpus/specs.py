"""Files of settings that are none, or that contradict themselves."""

from tests.corpus.case import Case

TWO = 'model = "circles"\ndata = "circles"\n'


def spec(name: str, text: str | bytes, says: str, *, whole: bool = False) -> Case:
    content = text if whole or isinstance(text, bytes) else TWO + text
    return Case(name, "study s.toml --out out", says, {"s.toml": content})


CASES = [
    spec("empty", "", "no data was given", whole=True),
    spec("no data", 'model = "circles"', "no data was given", whole=True),
    spec("JSON", '{"model": "circles"}', "cannot read 's.toml'", whole=True),
    spec("YAML", "model: circles\ndata: circles\n", "cannot read 's.toml'", whole=True),
    spec("of bytes", b"\xff\xfe\x00\x00", "cannot read 's.toml'"),
    spec("of nul", b"\0" * 100, "cannot read 's.toml'"),
    spec("in UTF-16", TWO.encode("utf-16"), "cannot read 's.toml'"),
    spec("nested without end", "a = " + "[" * 100_000, "cannot read 's.toml'"),
    spec("a key twice", "seeds = 1\nseeds = 2", "cannot read 's.toml'"),
    spec("an unquoted text", "loss = huber", "cannot read 's.toml'"),
    spec("seeds of 1.5", "seeds = 1.5", "seeds' is 1.5; expected a valid integer"),
    spec("seeds of nan", "seeds = nan", "seeds' is nan; expected"),
    spec("epochs of inf", "epochs = inf", "epochs' is inf; expected"),
    spec("seeds below none", "seeds = -9223372036854775808", "expected greater than 0"),
    spec("a rate of true", "learning_rate = true", "learning_rate' is True; expected a number"),
    spec("rates of none", "learning_rate = []", "expected one value or more"),
    spec("rates of lists", "learning_rate = [[0.1]]", "learning_rate' is [0.1]; expected"),
    spec("a rate that is a table", "[learning_rate]\na = 1", "learning_rate' is {'a': 1}"),
    spec("a variant of 1", "variants = [1]", "variants' is 1; expected"),
    spec("variants of none", "variants = []", "expected at least one"),
    spec("a model of 3", 'model = 3\ndata = "circles"', "model' is 3; expected a valid string",
         whole=True),
    spec("a name with a slash", 'study = "../mine"', "study' is '../mine'; expected"),
    spec("a name of nothing", 'study = ""', "study' is ''; expected"),
    spec("a weight of a list", "class_weight = [1, 2]", "class_weight' is [1, 2]"),
    spec("a weight below 0", "class_weight = {0 = -1.0}", "class_weight' is -1.0"),
    spec("weights of none", "class_weight = {0 = 0, 1 = 0}", "every training example the weight 0"),
    spec("a class that is not", "class_weight = {5 = 1.0}", "unknown class in class_weight '5'"),
    spec("callbacks of fit", "callbacks = []", "an argument of Keras' fit"),
    spec("a setting of no one", "lr = 0.1", "unknown setting 'lr'"),
    spec("a section", "[training]\nseeds = 3", "unknown setting 'training'"),
    spec("a maybe", 'prune = "maybe"', "prune' is 'maybe'; expected a valid boolean"),
    spec("a surrogate", b'model = "\xed\xa0\x80"', "cannot read 's.toml'"),
]  # fmt: skip
