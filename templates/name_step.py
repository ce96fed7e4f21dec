def _step(start: str, middle: str, old: str, new: str) -> Step:
    there, back = (f"{start}{a}{middle}{b}" for a, b in ((old, new), (new, old)))
    return ops.ExecuteSQLOp(there), ops.ExecuteSQLOp(back)
