"""Job training without the experiment: the right set, and what it cannot do.

LaLonde's question (1986): would a study without a lottery have found what the lottery found, 1,794
dollars (`lalonde_experiment`)? The 185 trained men stay; in place of the men who drew a blank come
15,992 men of the Current Population Survey. They earned 14,000 dollars in 1974, the trained 2,100.

The published ladder (J. D. Angrist & J.-S. Pischke, *Mostly Harmless Econometrics*, 2009, table
3.3.3, standard errors in brackets; the first is also in R. H. Dehejia & S. Wahba, JASA 94, 1999)::

    nothing adjusted for                               -8,498 (712)
    schooling, family, age and its square              -3,437 (710)
    earnings in 1975 alone                                -78 (537)
    both                                                  623 (558)
    both, and earnings in 1974                            794 (548)

Without the square of age the last is 699: the form counts too, by as much as a variable may.

So the drawing takes away 9,300 of the 10,300 dollars of bias: the naive answer says that training
ruins people, the right set that it probably helps. It stays 1,000 dollars short. With a benchmark
of 1,794 (633) that may be chance, but there is a reason to doubt it: fifteen thousand of the men
are like nobody who was trained (steady work, wages at the survey's ceiling of 25,565), and they
decide how straight the lines are that the few comparable ones are compared along. The set is
right; the form is asked to reach where there is no data. `lalonde_overlap` keeps those who can be
compared. (And the drawing may lack a common cause: no data can exclude that.)

The priors, as wide as earnings vary, move these numbers by a few dollars: for the last, by 548^2 /
91,000^2 of the effect itself, and for the slopes of what goes with it no more.
"""

from pathlib import Path

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import Adjusts, Asked, Lesson, Misses, Near, Says

DATA = Path(__file__).parent / "data" / "lalonde_cps.parquet"
PEOPLE = ("age", "black", "education", "hispanic", "married", "nodegree")


def simulate() -> str:
    """Nothing is simulated: the file."""
    return str(DATA)


LESSON = Lesson(
    "lalonde",
    place=29,
    title="No lottery: job training against a survey",
    teaches="Set beside a survey, the trained seem to lose 8,500 dollars by their training. With "
    "the common causes held fixed they gain 800. The lottery said 1,800: the right set is needed, "
    "and it is not enough where hardly anybody can be compared.",
    dag=dag_path("lalonde").read_text(encoding="utf-8"),
    simulate=simulate,
    source="men, 185 of them trained, the others of the Current Population Survey",
    questions=(
        Asked(
            "treat",
            "re78",
            effect="total",
            truth=1794,
            priors=PriorChoice(),
            form="poly(age, 2)",
            own={
                "no earnings": PEOPLE,
                "1975 alone": ("re75",),
                "without 1974": (*PEOPLE, "re75"),
                "straight lines": f"re78 ~ treat + {' + '.join(PEOPLE)} + re74 + re75",
            },
            expectations=(
                Adjusts((*PEOPLE, "re74", "re75")),
                Near("unadjusted", -8498, within=5),
                Misses("unadjusted"),
                Says("unadjusted", "misleads"),
                Near("no earnings", -3437, within=5),
                Says("no earnings", "misleads"),
                Near("1975 alone", -78, within=5),
                Near("without 1974", 623, within=5),
                Near("straight lines", 699, within=5),
                Near("correct", 794, within=5),
                Misses("correct"),
            ),
            note="The correct set falls short of the lottery's answer. Most of the survey is like "
            "nobody who was trained, and the form of the regression has to bridge the gap: see "
            "the experiment lalonde_overlap.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))
