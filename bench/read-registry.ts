/**
 * One inventory in a process of its own, composed as the command line composes it: how long the reading alone took, and
 * what was sent. inventory.ts starts it; with `node --cpu-prof` it shows where the time goes.
 *
 *   node read-registry.mjs CONFIGURATION STATE
 */
import { readFileSync } from 'node:fs'
import { takeInventory } from '../src/app/take-inventory.ts'
import { composePlanning } from '../src/compose.ts'
import { loadConfiguration } from '../src/config/load.ts'

const [path = '', stateDirectory = ''] = process.argv.slice(2)
const configuration = loadConfiguration({ path, text: readFileSync(path, 'utf8') })
const world = await composePlanning(configuration, {
  stateDirectory,
  environment: process.env,
  version: 'bench',
})
const targets = [...world.readers.values()].map((registry) => ({ registry, governed: () => true }))
const cpuBefore = process.cpuUsage()
const requestsBefore = world.requests()
const started = performance.now()
const inventories = await takeInventory(targets, { memory: world.state.memory, now: () => Date.now() })
const seconds = (performance.now() - started) / 1000
const cpu = process.cpuUsage(cpuBefore)
const repositories = inventories.flatMap((inventory) => inventory.repositories)
const manifests = repositories.flatMap((repository) => repository.manifests)
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    requests: world.requests() - requestsBefore,
    tags: manifests.reduce((total, manifest) => total + manifest.tags.length, 0),
    manifests: manifests.length,
    isComplete: repositories.every(({ complete }) => complete),
  }),
)
await world.close()
