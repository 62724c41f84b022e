/** What happened in one history, and what should not have. */
export class Account {
  readonly complaints: string[] = []
  readonly log: string[] = []
  readonly counts = new Map<string, number>()
  readonly #clock: { readonly now: number }
  readonly #start: number

  constructor(clock: { readonly now: number }) {
    this.#clock = clock
    this.#start = clock.now
  }

  complain(what: string): void {
    this.complaints.push(what)
  }

  /** Each fault once. */
  judge(when: string, faults: Iterable<string>): void {
    for (const fault of new Set(faults)) this.complain(`${when}: ${fault}`)
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by)
  }

  note(what: string): void {
    this.log.push(`${((this.#clock.now - this.#start) / 1000).toFixed(3)} ${what}`)
  }
}
