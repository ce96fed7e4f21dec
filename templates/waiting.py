def _wait(take: Callable[[], str]) -> None:
    # Say once for whom; `take` returns that, or nothing where it has the lock.
    told = arguments.value("lock-timeout") or str(SECONDS)
    if not told.isdecimal():
        raise CommandError(f"-x lock-timeout={told}: not a number of seconds")
    seconds = int(told)
    end = time.monotonic() + seconds
    is_said = False
    try:
        while holder := take():
            if time.monotonic() >= end:
                longer = arguments.command(f"lock-timeout={seconds + 300}")
                reason = f"{holder}: gave up after {seconds} s; longer: {longer}"
                raise CommandError(reason)
            if not is_said:
                print(f"Waits up to {seconds} s: {holder}", file=sys.stderr, flush=True)
                is_said = True
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        if not arguments.is_typed():
            raise
        raise CommandError("interrupted, nothing is done") from None
