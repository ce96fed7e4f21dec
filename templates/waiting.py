def _wait(take: Callable[[], str]) -> None:
    # Say once for whom; `take` returns that, or nothing where it has the lock.
    told = arguments.value("lock-timeout") or str(SECONDS)
    if not told.isdecimal():
        raise CommandError(f"-x lock-timeout={told}: not a number of seconds")
    seconds = int(told)
    end = time.monotonic() + seconds
    is_said = False
    while holder := take():
        if time.monotonic() >= end:
            more = f"lock-timeout={seconds + 300}"
            longer = arguments.command(more, "upgrade", "head")
            raise CommandError(f"{holder}: gave up after {seconds} s; longer: {longer}")
        if not is_said:
            print(f"Waits up to {seconds} s: {holder}", file=sys.stderr, flush=True)
            is_said = True
        try:
            time.sleep(PAUSE)
        except KeyboardInterrupt:
            raise CommandError("interrupted, nothing is done") from None
