/** What an error that ends a sweep in the middle cannot know: which run that was, what stands, and how to go on. */
import { counted } from '../core/words/counted.ts'
import type { SweepRun } from './sweep-run.ts'

/** The run, what it did so far, and what to do once it may go on. */
export function whatStands(run: SweepRun): string {
  const { id, ports, ledger, summary } = run
  const { registry } = ports
  const { setAside, restored, freed, linksRemoved, repositoriesRemoved, uploadsRemoved } = summary
  const did = [
    { verb: 'set aside', text: counted(setAside, 'blob'), count: setAside },
    { verb: 'put back', text: counted(restored, 'blob'), count: restored },
    { verb: 'freed', text: counted(freed, 'blob'), count: freed },
  ].flatMap(({ verb, text, count }) => (count === 0 ? [] : [`${verb} ${text}`]))
  const tidied = linksRemoved + repositoriesRemoved + uploadsRemoved
  // A batch that failed in the middle is counted nowhere; its names are in the journal.
  const isUntouched = did.length + tidied === 0 && !ledger.runs().has(id)
  const so = did.length === 0 ? 'begun' : did.join(', ')
  const stands = isUntouched
    ? 'It had changed nothing.'
    : `It had ${so}; the storage's own journal has all of it.`
  const goOn = `Once that is put right, go on from there:\n  winnow sweep ${registry} --apply`
  const back = ledger.runs().has(id)
    ? `\nOr put back what it set aside:\n  winnow sweep ${registry} --restore ${id}`
    : ''
  return `This was run ${id}. ${stands} ${goOn}${back}`
}
