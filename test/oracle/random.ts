/** A small seeded generator (mulberry32): the same seed gives the same world on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.between(0, choices.length - 1)]
    if (choice === undefined) throw new Error('There is nothing to choose from.')
    return choice
  }

  /** A few of them, each at most once, in random order. */
  some<T>(choices: readonly T[], min: number, max: number): T[] {
    return this.shuffle(choices).slice(0, this.between(min, max))
  }

  shuffle<T>(list: readonly T[]): T[] {
    return list
      .map((entry) => ({ entry, at: this.next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ entry }) => entry)
  }
}
