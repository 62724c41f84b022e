/** Prints inventories. A repository that could not be read in full is shown as such, and the exit code says so. */
import { takeInventory } from '../../app/take-inventory.ts'
import { composePlanning } from '../../compose.ts'
import type { Configuration } from '../../config/configuration.ts'
import type { RegistryName } from '../../core/image/names.ts'
import { inventoryDocument } from '../../core/inventory/inventory-file.ts'
import type { Inventory } from '../../core/inventory/inventory.ts'
import { policyFor } from '../../core/plan/build-plan.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions, UnknownRegistryError } from '../composing.ts'
import { UsageError } from '../report-error.ts'
import { inventoryListing } from '../views/inventory.ts'
import { jsonText } from '../views/documents.ts'
import { writeListing } from '../views/listing.ts'
import { writeOutputFile } from '../write-output-file.ts'

export const inventoryBody: CommandBody = {
  async run(context) {
    const configuration = onlyOf(await readConfiguration(context), context.arguments[0])
    refuseSeveral(configuration, context)
    const inventories = await readAll(configuration, context)
    const [first] = inventories
    const path = context.options.text('out')
    if (path !== undefined && first !== undefined) {
      await writeOutputFile(path, jsonText(inventoryDocument(first)))
    }
    const listing = inventoryListing(inventories, context.globals.output, Date.now())
    await writeListing(context.globals.output, listing, context.terminal.stdout)
    return warn(inventories, context) ? exitCodes.done : exitCodes.incomplete
  },
}

/** The configuration with one of its registries, so that no other one is asked anything. */
function onlyOf(configuration: Configuration, name: string | undefined): Configuration {
  if (name === undefined) return configuration
  const settings = configuration.registries.get(name as RegistryName)
  if (settings === undefined) throw new UnknownRegistryError(name, [...configuration.registries.keys()])
  return { ...configuration, registries: new Map([[settings.name, settings]]) }
}

function refuseSeveral({ registries }: Configuration, { globals, options }: CommandContext): void {
  const isOneFile =
    globals.output === 'json' || globals.output === 'yaml' || options.text('out') !== undefined
  if (!isOneFile || registries.size === 1) return
  const names = [...registries.keys()]
  throw new UsageError(
    `An inventory file holds one registry, and ${names.length} are configured.`,
    `Name one of them (${names.join(', ')}), or write one document a line with -o ndjson.`,
  )
}

async function readAll(configuration: Configuration, context: CommandContext): Promise<readonly Inventory[]> {
  const options = { ...composeOptions(context), readsAllConfigs: true }
  const world = await composePlanning(configuration, options, context.run)
  try {
    for (const note of world.notes) context.run.onEvent?.({ kind: 'warning', text: note })
    const targets = [...world.readers.values()].map((registry) => ({
      registry,
      governed: (repository: Parameters<typeof policyFor>[2]) =>
        policyFor(configuration.policySet, registry.name, repository) !== undefined,
    }))
    return await takeInventory(targets, { memory: world.state.memory, now: () => Date.now() }, context.run)
  } finally {
    await world.close()
  }
}

/** Tells the problems of every repository; false when one of them was not read in full. */
function warn(inventories: readonly Inventory[], { run, terminal }: CommandContext): boolean {
  let isComplete = true
  for (const { registry, repositories } of inventories) {
    for (const { name, complete, problems } of repositories) {
      isComplete &&= complete
      for (const problem of problems) {
        const text = `${registry}/${name}: ${problem}`
        if (complete) run.onEvent?.({ kind: 'warning', text })
        else terminal.stderr.write(`${terminal.stderr.colors.red('incomplete:')} ${text}\n`)
      }
    }
  }
  return isComplete
}
