/** The machine's clock, as the client uses it where no other is given. */
import { setTimeout as delay } from 'node:timers/promises'
import type { HttpClock } from './http-types.ts'

export const machineClock: HttpClock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  },
}
