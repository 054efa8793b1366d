"""The training experiment: a lottery needs no adjustment.

The National Supported Work Demonstration (United States, 1975-78) gave a year of guaranteed work to
people whom nobody would employ, chosen by lot among those who qualified. 185 trained men and 260
who drew a blank, with their earnings in dollars (R. J. LaLonde, "Evaluating the econometric
evaluations of training programs with experimental data", American Economic Review 76, 1986; the
sample of R. H. Dehejia & S. Wahba, "Causal effects in nonexperimental studies", JASA 94, 1999).

In 1978 the trained earned 1,794 dollars more, with a standard error of 633: the benchmark against
which methods for data without a lottery have been judged since. With everything held fixed that
was known before the lottery, age also squared, it is 1,676 (J. D. Angrist & J.-S. Pischke, *Mostly
Harmless Econometrics*, 2009, table 3.3.3). Both are right, and both answer the same question.

The priors, as wide as earnings vary, pull the effect towards 0 by (633 / 13,400)^2, 4 dollars, and
change the slopes of what goes with it; that comes to less than 20 dollars.
"""

from pathlib import Path

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Misses, Near, Says

DATA = Path(__file__).parent / "data" / "lalonde_experiment.csv"
BEFORE = ("age", "black", "education", "hispanic", "married", "nodegree", "re74", "re75")


def simulate() -> str:
    """Nothing is simulated: the file."""
    return str(DATA)


LESSON = Lesson(
    "lalonde_experiment",
    place=28,
    title="A lottery: job training, the experiment",
    teaches="Who was trained was decided by lot, so nothing moves both training and earnings. "
    "The plain difference is the effect; adjusting for what was known before is allowed and "
    "changes little.",
    dag=dag_path("lalonde_experiment").read_text(encoding="utf-8"),
    simulate=simulate,
    source="men of the National Supported Work Demonstration, 1975-78",
    questions=(
        Asked(
            "treat",
            "re78",
            effect="total",
            truth=1794,
            priors=PriorChoice(),
            form="poly(age, 2)",
            expectations=(
                Adjusts(BEFORE),
                Near("unadjusted", within=20),
                Misses("unadjusted", 0),
                Says("unadjusted", "agrees"),
                Near("correct", 1676, within=20),
                Covers("correct"),
                Misses("correct", 0),
            ),
            note="The benchmark is itself an estimate: 1,794 dollars, give or take 633.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))
