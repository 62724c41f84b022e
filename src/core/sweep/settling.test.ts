import { expect, it } from 'vitest'
import { QUIET_SETTLE_MS, settlingOf } from './settling.ts'

const MINUTE_MS = 60_000

it.each([
  { name: 'a long quarantine leaves it', settle: 10, quarantine: 60, settles: 10, busy: 10 },
  { name: 'as long a quarantine leaves it', settle: 10, quarantine: 10, settles: 10, busy: 10 },
  { name: 'a shorter one counts, at rest', settle: 10, quarantine: 2, settles: 2, busy: 10 },
  {
    name: 'none leaves the least',
    settle: 10,
    quarantine: 0,
    settles: QUIET_SETTLE_MS / MINUTE_MS,
    busy: 10,
  },
  { name: 'who needs less waits less', settle: 0.01, quarantine: 0, settles: 0.01, busy: 0.01 },
  {
    name: 'who says that there are no requests does not wait',
    settle: 0,
    quarantine: 0,
    settles: 0,
    busy: 0,
  },
])('the wait: $name', ({ settle, quarantine, settles, busy }) => {
  expect(settlingOf({ settleMs: settle * MINUTE_MS, quarantineMs: quarantine * MINUTE_MS })).toEqual({
    settleMs: settles * MINUTE_MS,
    busySettleMs: busy * MINUTE_MS,
  })
})
