/**
 * A real docker-registry that two small scripts stop and start, with faults on cue: what an operator's own commands are
 * to Winnow.
 *
 * The start script leaves the registry running with the output it was given, as careless scripts do.
 */
import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { find } from '../servers/find.ts'

export type StopFault = 'fails' | 'fails-after' | 'hangs' | 'slow'
export type StartFault = 'fails-once' | 'fails' | 'slow'

export interface ScriptedRegistry {
  readonly url: string
  readonly stopCommand: readonly string[]
  readonly startCommand: readonly string[]
  readonly inject: (faults: { readonly stop?: StopFault; readonly start?: StartFault }) => Promise<void>
  /** By a request of our own. */
  readonly isUp: () => Promise<boolean>
  /** How often the scripts were run. */
  readonly calls: () => Promise<readonly string[]>
  /** Ends the registry, whoever started it. */
  readonly end: () => Promise<void>
}

/** Makes the scripts in `folder`, and starts the registry by its own script. */
export async function startScriptedRegistry(folder: string, port: number): Promise<ScriptedRegistry> {
  const found = find('docker-registry')
  if (found === undefined) throw new Error('There is no docker-registry here.')
  const url = `http://127.0.0.1:${port}`
  const at = (name: string): string => join(folder, name)
  await mkdir(at('storage'), { recursive: true })
  await writeFile(
    at('config.json'),
    JSON.stringify({
      version: '0.1',
      storage: { filesystem: { rootdirectory: at('storage') }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}`, secret: 'only for tests' },
    }),
  )
  await writeFile(at('stop.sh'), stopScript(folder))
  await writeFile(at('start.sh'), startScript(folder, found.binary))
  await chmod(at('stop.sh'), 0o700)
  await chmod(at('start.sh'), 0o700)
  const guard = spawn('sh', ['-c', `trap '' INT TERM HUP; read -r _; kill -9 $(cat ${at('pid')})`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  guard.stdin.on('error', () => undefined)
  await run(at('start.sh'))

  const isUp = async (): Promise<boolean> =>
    await fetch(`${url}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (let left = 400; !(await isUp()); left -= 1) {
    if (left === 0) throw new Error('The registry did not start.')
    await sleep(25)
  }
  await rm(at('calls'))
  return {
    url,
    stopCommand: [at('stop.sh')],
    startCommand: [at('start.sh')],
    isUp,
    async inject({ stop, start }) {
      await writeFile(at('stop-fault'), stop ?? '')
      await writeFile(at('start-fault'), start ?? '')
    },
    calls: async () => (await readFile(at('calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean),
    async end() {
      await writeFile(at('stop-fault'), '')
      await run(at('stop.sh'))
      guard.kill('SIGKILL')
    },
  }
}

async function run(script: string): Promise<void> {
  const child = spawn(script, { stdio: 'ignore', detached: true })
  await new Promise((resolve) => child.once('exit', resolve))
}

function stopScript(folder: string): string {
  return `#!/bin/sh
cd '${folder}' || exit 9
echo stop >>calls
fault=$(cat stop-fault 2>/dev/null)
echo "stopping the registry"
[ "$fault" = fails ] && exit 3
[ "$fault" = hangs ] && exec sleep 600
[ "$fault" = slow ] && sleep 1
pid=$(cat pid)
kill "$pid" 2>/dev/null
# A zombie that nobody collects is dead too.
while state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) && [ -n "$state" ]; do
  case $state in Z*) break ;; esac
  sleep 0.05
done
[ "$fault" = fails-after ] && exit 4
exit 0
`
}

function startScript(folder: string, binary: string): string {
  return `#!/bin/sh
cd '${folder}' || exit 9
echo start >>calls
fault=$(cat start-fault 2>/dev/null)
[ "$fault" = fails ] && { echo "no such unit" >&2; exit 5; }
[ "$fault" = fails-once ] && { : >start-fault; exit 6; }
delay=0
[ "$fault" = slow ] && delay=1
# Already up: nothing to do, as with systemctl start.
state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$(cat pid 2>/dev/null)/status" 2>/dev/null)
case $state in '' | Z*) ;; *) exit 0 ;; esac
(sleep $delay; exec '${binary}' serve config.json) &
echo $! >pid
exit 0
`
}
