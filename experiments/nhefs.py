"""NHEFS: does quitting smoking make people gain weight? Nine common causes, and a published answer.

1,566 smokers of the first National Health and Nutrition Examination Survey of the United States,
met again eleven years later (experiments/data/README.md). Nobody drew lots about who quits: those
who did were older, heavier and better schooled. The drawing is that of M. A. Hernan and J. M.
Robins, *Causal Inference: What If* (2020), and so is the form: groups for schooling, exercise and
activity, squares for age, cigarettes a day, years smoked and weight.

Published there: 2.5 kg more among those who quit, as they are (chapter 12); 3.5 kg with the nine
held fixed (chapter 15, 2.6 to 4.3 at 95 %; 3.46 before rounding); and again 3.5 kg, 5.27 against
1.76, when quitting may do more to heavy smokers and the differences are averaged over everybody
(chapter 13, standardization, 2.6 to 4.5). The slope of qsmk is then that of somebody who smokes
nothing, 2.56, and answers no question.

Printed numbers are rounded, by up to half of their last digit. The priors, as wide as the outcome
varies, pull the effect towards 0 by less than 0.01 kg: its error is 0.44 kg, its prior's sd 18 kg.
The slope beside the product is three times as uncertain, and a twentieth of a kilogram is allowed.
"""

from pathlib import Path

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import Adjusts, Asked, Lesson, Misses, Near, Says

DATA = Path(__file__).parent / "data" / "nhefs.csv"
CAUSES = (
    *("active", "age", "education", "exercise", "race"),
    *("sex", "smokeintensity", "smokeyrs", "wt71"),
)
GROUPS = ("active", "education", "exercise")
FORM = "poly(age, 2) + poly(smokeintensity, 2) + poly(smokeyrs, 2) + poly(wt71, 2)"
PRODUCT = f"wt82_71 ~ qsmk + qsmk:smokeintensity + {FORM} + sex + race + {' + '.join(GROUPS)}"


def simulate() -> str:
    """Nothing is simulated: the file."""
    return str(DATA)


LESSON = Lesson(
    "nhefs",
    place=27,
    title="Nine common causes: smoking and weight",
    teaches="Those who quit smoking gained 2.5 kg more than those who did not, but they differed "
    "beforehand. With everything that moved both held fixed it is 3.5 kg: the number in the "
    "textbook, from its data, its drawing and its form.",
    dag=dag_path("nhefs").read_text(encoding="utf-8"),
    simulate=simulate,
    source="smokers of NHANES I and its follow-up, 1971-82",
    questions=(
        Asked(
            "qsmk",
            "wt82_71",
            truth=3.46,
            effect="total",
            priors=PriorChoice(),
            form=FORM,
            categorical=GROUPS,
            own={"with a product": PRODUCT},
            expectations=(
                Adjusts(CAUSES),
                Near("unadjusted", 2.54, within=0.015),
                Misses("unadjusted"),
                Says("unadjusted", "misleads"),
                Near("correct", within=0.015),
                Near("with a product", 3.52, within=0.015),
                Near("with a product", 2.56, coefficient="qsmk", within=0.05),
                Says("with a product", "agrees"),
            ),
            note="The truth of the table is the published estimate, itself uncertain by 0.44 kg. "
            "With the product in, the coefficient of qsmk is the effect on somebody who smokes 0 "
            "cigarettes; averaged over the smokers there are, it is 3.5 kg as without.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))
