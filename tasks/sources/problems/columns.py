"""Written arithmetic in small steps: sums and differences by columns, and long divisions."""

PLACES = ("Ones", "Tens", "Hundreds", "Thousands", "Ten thousands")


def digit(number: int, place: int) -> int:
    """Return the digit of a number at a power of ten."""
    return int(number // 10**place % 10)


def addition_steps(left: int, right: int) -> str:
    """Return the steps of a sum, column by column from the ones."""
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
    """Return the steps of a difference, column by column with borrowing. left must not be below
    right.
    """
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
    """Return the steps of a long division by a one-digit divisor, with every remainder."""
    steps, left = [f"Divide {number} by {divisor}."], 0
    for position, brought in enumerate(str(number)):
        bring = f"Bring {brought}: " if position else ""
        current = 10 * left + int(brought)
        quotient, left = divmod(current, divisor)
        product = quotient * divisor
        steps.append(f"{bring}{current}: {quotient} * {divisor} = {product}, left {left}.")
    return " ".join(steps)
