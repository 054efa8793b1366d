"""Berkeley admissions, 1973: two questions, two answers, one table.

The six largest graduate departments, 4,526 applicants (P. J. Bickel, E. A. Hammel & J. W.
O'Connell, "Sex bias in graduate admissions: data from Berkeley", Science 187, 1975; the 24 counts
as in D. Freedman, R. Pisani & R. Purves, *Statistics*, and in R as UCBAdmissions)::

    department   men: applied  admitted     women: applied  admitted
    A                 825        512             108          89
    B                 560        353              25          17
    C                 325        120             593         202
    D                 417        138             375         131
    E                 191         53             393          94
    F                 373         22             341          24

Of the men 44.5 % were admitted, of the women 30.4 %: 14.2 points fewer, 0.68 times as many, odds of
0.54 to 1. That is the total effect of gender, and it runs through the choice of department: women
applied where few are admitted. At the same department, averaged over all applicants, 4.3 points
more of the women were admitted, 1.11 times as many. In A it is 20 points; elsewhere no difference
stands out. A logit with one odds ratio for all departments gives the women's odds as 1.10 times
the men's, 0.94 to 1.30: the departments weigh differently in it, the conclusion is the same.

The model has a probability for each cell (gender, or gender and department) with a Beta(1, 1)
prior, so the posterior is known exactly. Such a prior weighs as much as two applicants of whom one
is admitted: that moves the share of B's 25 women by 0.013, the average over all applicants by 0.003
and the shares of all men and women by less than 0.001. 4,000 draws add about as little.
"""

from pathlib import Path

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Misses, Near, Says

DATA = Path(__file__).parent / "data" / "berkeley.csv"


def simulate() -> str:
    """Nothing is simulated: the file, a row for each applicant."""
    return str(DATA)


LESSON = Lesson(
    "berkeley",
    place=26,
    title="Two questions: admissions at Berkeley",
    teaches="Fewer of the women were admitted, and at the same department more of them. Both are "
    "right. The department is a mediator: leave it out to learn what gender does in all, include "
    "it to learn what is left once people have chosen where to apply.",
    dag=dag_path("berkeley").read_text(encoding="utf-8"),
    simulate=simulate,
    source="applicants to the six largest departments of Berkeley, 1973",
    questions=(
        Asked(
            "gender",
            "admitted",
            effect="total",
            truth=-0.1416,
            family="cells",
            priors=PriorChoice(),
            expectations=(
                Adjusts(()),
                Near("correct", within=0.002),
                Near("correct", 0.682, scale="risk ratio", within=0.005),
                Near("correct", 0.543, scale="odds ratio", within=0.005),
                Near("correct", 0.445, coefficient="gender[men]", within=0.001),
                Near("correct", 0.304, coefficient="gender[women]", within=0.001),
                Covers("correct"),
                Misses("everything"),
                Says("everything", "misleads"),
            ),
        ),
        Asked(
            "gender",
            "admitted",
            effect="direct",
            truth=0.0426,
            family="cells",
            priors=PriorChoice(),
            expectations=(
                Adjusts(("department",)),
                Near("correct", within=0.005),
                Near("correct", 1.11, scale="risk ratio", within=0.015),
                Covers("correct"),
                Near("correct", 0.203, group=("department", "A"), within=0.01),
                Misses("correct", 0, group=("department", "A")),
                *(Covers("correct", 0, group=("department", other)) for other in "BCDEF"),
                Misses("unadjusted"),
                Says("unadjusted", "misleads"),
            ),
            note="Whether 'direct' is 'unfair' is a question about departments, not about these "
            "numbers; and the answer assumes that nothing moves both the choice of department and "
            "admission (William Kruskal's objection to the authors: residence, for one).",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))
