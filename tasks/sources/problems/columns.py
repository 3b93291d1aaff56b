"""Written arithmetic in steps that each need one small fact: columns for sums, bringing down for
divisions.
"""

PLACES = ("Ones", "Tens", "Hundreds", "Thousands", "Ten thousands")


def digit(number: int, place: int) -> int:
    """The digit of the number at a power of ten."""
    return int(number // 10**place % 10)


def addition_steps(left: int, right: int) -> str:
    """The sum of two numbers, column by column from the ones."""
    steps, carry = [f"Add {left} and {right}."], 0
    for place in range(len(str(max(left, right)))):
        upper, lower = digit(left, place), digit(right, place)
        total = upper + lower + carry
        carried = f" + {carry}" if carry else ""
        written = f"write {total % 10}, carry {total // 10}." if total > 9 else f"write {total}."
        steps.append(f"{PLACES[place]}: {upper} + {lower}{carried} = {total}, {written}")
        carry = total // 10
    if carry:
        steps.append("Last carry 1.")
    return " ".join([*steps, f"{left} + {right} = {left + right}."])


def subtraction_steps(left: int, right: int) -> str:
    """The difference of two numbers, left not below right, column by column with borrowing."""
    steps, borrowed = [f"Subtract {right} from {left}."], 0
    for place in range(len(str(left))):
        upper, lower = digit(left, place), digit(right, place)
        taken = f"{lower} + 1 = {lower + 1}, " if borrowed else ""
        lower += borrowed
        borrowed = int(upper < lower)
        if borrowed:
            raised = upper + 10
            below = f"{upper} is below {lower}, {raised} - {lower} = {raised - lower}, borrow 1."
            steps.append(f"{PLACES[place]}: {taken}{below}")
        else:
            steps.append(f"{PLACES[place]}: {taken}{upper} - {lower} = {upper - lower}.")
    return " ".join([*steps, f"{left} - {right} = {left - right}."])


def division_steps(number: int, divisor: int) -> str:
    """The long division of a number by a one-digit divisor, digit by digit, every remainder spelled
    out.
    """
    steps, left = [f"Divide {number} by {divisor}."], 0
    for position, brought in enumerate(str(number)):
        bring = f"Bring {brought}: " if position else ""
        current = 10 * left + int(brought)
        quotient, left = divmod(current, divisor)
        steps.append(
            f"{bring}{current}: {quotient} * {divisor} = {quotient * divisor}, left {left}."
        )
    return " ".join(steps)
