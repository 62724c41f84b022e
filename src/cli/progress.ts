/**
 * Progress on stderr. A person at a terminal sees one status block with what is done, how fast, and how long it will
 * take; a log sees one line every ten seconds; with `--quiet` nobody sees anything but what they must.
 */
import type { createLogUpdate } from 'log-update'
import type { RunEvent } from '../ports/run-options.ts'
import type { Output } from './terminal.ts'

const redrawMs = 100
const heartbeatMs = 10_000

export interface Progress {
  onEvent: (event: RunEvent) => void
  /** Tells a person something now, above the status block. */
  say(text: string): void
  /** Takes the status block away before something is written where it stands; the next event brings it back. */
  hide: () => void
  end(): void
}

interface Phase {
  readonly name: string
  readonly startedAt: number
  done: number
  total: number | undefined
  note: string | undefined
}

/** Starts to show progress; nothing appears before something takes time. */
export function startProgress(out: Output, isQuiet: boolean): Progress {
  const phases: Phase[] = []
  let drawnAt = 0
  const isScreen = out.isTerminal && !isQuiet
  let screen: ReturnType<typeof createLogUpdate> | undefined
  // Only for a person: loading it takes longer than many a command.
  if (isScreen)
    import('log-update').then(
      (loaded) => {
        screen = loaded.createLogUpdate(process.stderr)
      },
      // Without it nothing is shown, and nothing else is missing.
      () => undefined,
    )
  const startedAt = performance.now()
  let toldAt = startedAt
  const draw = (): void => {
    const now = performance.now()
    const phase = phases.at(-1)
    if (phase === undefined || isQuiet) return
    if (screen !== undefined && now - drawnAt >= redrawMs) {
      drawnAt = now
      screen(statusLine(phase, now))
    } else if (!isScreen && now - toldAt >= heartbeatMs) {
      toldAt = now
      out.write(`${new Date().toISOString()} ${statusLine(phase, now)}\n`)
    }
  }
  const timer = setInterval(draw, isScreen ? redrawMs : heartbeatMs)
  timer.unref()
  const say = (text: string): void => {
    screen?.clear()
    out.write(`${text}\n`)
  }
  return {
    onEvent(event) {
      follow(event, phases, isQuiet ? () => undefined : say)
      draw()
    },
    say,
    hide() {
      phases.length = 0
      screen?.clear()
    },
    end() {
      clearInterval(timer)
      screen?.clear()
    },
  }
}

function follow(event: RunEvent, phases: Phase[], say: (text: string) => void): void {
  switch (event.kind) {
    case 'phase':
      phases.push(newPhase(event.subject === undefined ? event.phase : `${event.phase} ${event.subject}`))
      return
    case 'progress': {
      const last = phases.at(-1)
      const phase = last?.name.startsWith(event.phase) === true ? last : newPhase(event.phase)
      if (phase !== last) phases.push(phase)
      phase.done = event.done
      phase.total = event.total
      phase.note = event.note
      return
    }
    case 'warning':
      say(`warning: ${event.text}`)
      return
    case 'wait':
      say(`waiting ${Math.ceil(event.waitMs / 1000)} s for ${event.subject}: ${event.reason}`)
      return
  }
}

function newPhase(name: string): Phase {
  return { name, startedAt: performance.now(), done: 0, total: undefined, note: undefined }
}

function statusLine({ name, startedAt, done, total, note }: Phase, now: number): string {
  const seconds = (now - startedAt) / 1000
  const rate = seconds > 0.5 && done > 0 ? done / seconds : undefined
  const of = total === undefined ? '' : `/${total}`
  const left =
    rate === undefined || total === undefined ? '' : ` · ${Math.ceil((total - done) / rate)} s left`
  const speed = rate === undefined ? '' : ` · ${rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10}/s`
  return `${name} ${done === 0 && total === undefined ? '' : `${done}${of}`}${speed}${left}${note === undefined ? '' : ` · ${note}`}`
}
