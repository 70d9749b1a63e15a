"""Runs of other tools that say too little, or too much."""

from tests.corpus.case import Case

HEAD = "variant,seed,epoch,val_loss\n"
GOOD = HEAD + "".join(
    f"{variant},{seed},{epoch},{1 / (epoch + speed)}\n"
    for variant, speed in (("none", 0), ("bn", 3))
    for seed in range(3)
    for epoch in (1, 2, 3)
)


def runs(text=GOOD, name="runs.csv"):
    return {name: text}


CASES = [
    Case("no runs", "judge", "Missing argument 'RUNS'"),
    Case("runs of nowhere", "judge no.csv", "there is no file or folder 'no.csv'"),
    Case("runs of a nul", "judge 'a\0.csv'", "there is no file or folder"),
    Case("runs of a picture", "judge runs.png", "'runs.png' is no table", runs(name="runs.png")),
    Case("runs of an empty folder", "judge logs", "holds no runs", {"logs/readme.md": "later"}),
    Case("runs without a variant", "judge runs.csv", "try --variant-column NAME",
         runs("seed,epoch,loss\n0,1,0.5\n")),
    Case("runs without an epoch", "judge runs.csv", "try --epoch-column NAME",
         runs("variant,seed,loss\nnone,0,0.5\n")),
    Case("runs without a metric", "judge runs.csv", "no column holds a metric",
         runs("variant,seed,epoch\nnone,0,1\n")),
    Case("runs side by side", "judge runs.csv", "the table is wide",
         runs("Step,a - val_loss,b - val_loss\n1,0.5,0.4\n")),
    Case("a metric twice", "judge runs.csv", "has the columns val_loss more than once",
         runs(GOOD.replace("val_loss", "val_loss,val_loss").replace("\n", ",1\n").replace("loss,1", "loss"))),
    Case("two columns of seeds", "judge runs.csv", "several columns could say the seed: trial, fold",
         runs("variant,trial,fold,epoch,loss\na,0,1,1,1\na,1,1,1,1\na,1,0,1,1\n")),
    Case("rows twice", "judge runs.csv", "'none', seed 0, has 2 rows for epoch 1",
         runs(GOOD + GOOD.removeprefix(HEAD))),
    Case("an epoch of words", "judge runs.csv", "column 'epoch' holds 'one'",
         runs(HEAD + "none,0,one,1\n")),
    Case("a row without a variant", "judge runs.csv", "no value in 1 of 19 rows", runs(GOOD + ",0,1,1\n")),
    Case("no baseline", "judge runs.csv", "none of the variants 'plain', 'bn' is called 'none'",
         runs(GOOD.replace("none", "plain"))),
    Case("a baseline of no one", "judge runs.csv --baseline non", "did you mean 'none'?", runs()),
    Case("a column of no one", "judge runs.csv --seed-column sed", "did you mean 'seed'?", runs()),
    Case("a metric of no one", "judge runs.csv --metric val_los", "did you mean 'val_loss'?", runs()),
    Case("a target of nothing", "judge runs.csv --target soon", "target 'soon' does not parse", runs()),
    Case("a direction of no one", "judge runs.csv --mode up", "'up' is not one of", runs()),
    Case("a horizon beyond all", "judge runs.csv --horizon 9", "ends at epoch 3", runs()),
    Case("a pattern without a variant", "judge logs --pattern '{seed}.csv'", "expected {variant}",
         runs("epoch,loss\n1,1\n", "logs/3.csv")),
    Case("one run in two files", "judge logs", "would both be variant 'bn', seed 1",
         runs("epoch,loss\n1,1\n", "logs/bn-1.csv") | runs("epoch,loss\n1,1\n", "logs/bn_1.csv")),
    Case("a baseline that is lost", "judge runs.csv", "all 3 replicas of the baseline 'none' diverged",
         runs("".join(line if line.startswith("bn") or line == HEAD else line.rpartition(",")[0] + ",nan\n"
                      for line in GOOD.splitlines(keepends=True)))),
    Case("a database that is none", "judge mlflow.db", "MLflow cannot read", runs("none", "mlflow.db")),
    Case("an export of no one", "study circles --export wandb", "unknown export 'wandb'"),
    Case("an export of nothing", "report . --export csv", "holds no study"),
    Case("a verdict over a study", "judge runs.csv --out s", "holds a study; expected one of its own",
         runs() | {"s/spec.toml": ""}),
]  # fmt: skip
