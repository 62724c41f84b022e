/**
 * A cloud's registry over the OCI driver, trusted with what is known of it (presets.ts). Where deletion is an experiment,
 * the writer refuses every one until a proof lies in the state that is not too old; `probe`, which only `winnow doctor`
 * calls, makes one.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { Proof } from '../../../ports/proofs.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { machineClock } from '../../http/clock.ts'
import type { HttpClock } from '../../http/http-types.ts'
import type { DeletionProbe, DriverCheck, DriverSettings, DriverWriter, OpenedDriver } from '../driver.ts'
import { OciConnection } from './connection.ts'
import type { Preset } from './presets.ts'
import { proveDeletion } from './prove-deletion.ts'
import { createOciReader } from './reader.ts'
import { refused } from './refusals.ts'
import type { RegistryTraits } from './traits.ts'
import { createOciWriter } from './writer.ts'

const DAY_MS = 86_400_000
/** Clouds change their registries without telling. */
const PROOF_DAYS = 90

export interface PresetOptions {
  /** @default the machine's */
  readonly clock?: HttpClock
}

export function openPreset(
  settings: DriverSettings,
  preset: Preset,
  { clock = machineClock }: PresetOptions = {},
): OpenedDriver {
  const proofs = new PresetProofs(settings, preset, clock)
  return {
    reader: createOciReader({
      ...settings,
      recognise: () => traitsOf(preset, proofs),
      capabilities: { rateLimit: preset.rateLimit, freesBytes: 'by-its-collector' },
    }),
    createWriter: () => createPresetWriter(settings, preset, proofs, clock),
    probePushes: preset.deletion === 'experimental',
    check: async () => [knownOf(preset)],
  }
}

async function traitsOf(preset: Preset, proofs: PresetProofs): Promise<RegistryTraits> {
  const { product, pageSizeMax, deletion } = preset
  const proof = deletion === 'experimental' ? await proofs.valid() : undefined
  const traits = { product, deleteByTag: proof?.deletesTags === true, protectsChildren: false, pageSizeMax }
  if (deletion === 'documented') return traits
  return { ...traits, deletes: proof === undefined ? { state: 'no', cure: proofs.cure } : { state: 'yes' } }
}

function knownOf({ product, notes, deletion }: Preset): DriverCheck {
  const what = `know ${product}`
  const text = notes.join(' ')
  return deletion === 'documented'
    ? { what, state: 'ok', text }
    : { what, state: 'ok', text: `Deletion there is an experiment, proved or refused. ${text}` }
}

/** The newest proof, while it counts. */
class PresetProofs {
  readonly address: string
  readonly kind: string
  readonly #settings: DriverSettings
  readonly #clock: HttpClock
  readonly #preset: Preset

  constructor(settings: DriverSettings, preset: Preset, clock: HttpClock) {
    this.#settings = settings
    this.#clock = clock
    this.#preset = preset
    this.address = new URL(settings.baseUrl).href.replace(/\/+$/, '')
    this.kind = preset.key
  }

  async valid(): Promise<Proof | undefined> {
    const proof = await this.#settings.proofs.proofOf(this.address, this.kind)
    return proof !== undefined && isValid(proof.at, this.#clock.now()) ? proof : undefined
  }

  remember(deletesTags: boolean): Promise<void> {
    const { address, kind } = this
    return this.#settings.proofs.rememberProof({ address, kind, at: this.#clock.now(), deletesTags })
  }

  forget(): Promise<void> {
    return this.#settings.proofs.forgetProof(this.address, this.kind)
  }

  get cure(): string {
    return `Whether deletion works in ${this.#preset.product} as Winnow needs it is not documented, so nothing is deleted before it is proved. Let Winnow prove it on a throw-away image in a repository that a policy governs (it needs the right to push):\n  winnow doctor`
  }
}

/** A proof of the future is of a clock that was wrong. */
function isValid(at: InstantMs, now: InstantMs): boolean {
  return at <= now && now - at <= PROOF_DAYS * DAY_MS
}

function createPresetWriter(
  settings: DriverSettings,
  preset: Preset,
  proofs: PresetProofs,
  clock: HttpClock,
): DriverWriter {
  const byDigest = createOciWriter({ ...settings, deletesTags: false })
  const byBoth = createOciWriter({ ...settings, deletesTags: true })
  if (preset.deletion === 'documented') return byDigest
  const proved = async (
    change: (writer: MutableRegistry) => Promise<ChangeOutcome>,
  ): Promise<ChangeOutcome> => {
    const proof = await proofs.valid()
    // What is not proved is refused here, before anything is sent.
    if (proof === undefined) return refused('unsupported', proofs.cure)
    return change(proof.deletesTags ? byBoth : byDigest)
  }
  return {
    name: settings.name,
    untag: (...asked) => proved((writer) => writer.untag(...asked)),
    deleteManifest: (...asked) => proved((writer) => writer.deleteManifest(...asked)),
    putManifest: (...asked) => byDigest.putManifest(...asked),
    probe: (repository, options = {}) =>
      probeByProof({ settings, proofs, clock, byBoth }, repository, options),
  }
}

interface Probing {
  readonly settings: DriverSettings
  readonly proofs: PresetProofs
  readonly clock: HttpClock
  /** Deletes whatever it is told to. */
  readonly byBoth: MutableRegistry
}

/** Asked first, so that nothing is pushed where the state cannot be read, or the answer is known. */
async function probeByProof(
  { settings, proofs, clock, byBoth }: Probing,
  repository: RepositoryName,
  options: RunOptions,
): Promise<DeletionProbe> {
  const known = await proofs.valid()
  if (known !== undefined) {
    const until = new Date(known.at + PROOF_DAYS * DAY_MS).toISOString().slice(0, 10)
    return {
      deletes: { state: 'yes' },
      deleteByTag: known.deletesTags,
      text: `proved, which counts until ${until}`,
    }
  }
  const connection = new OciConnection(settings)
  const proof = await proveDeletion(
    {
      connection,
      repository,
      // Safe: proveDeletion names nothing but what it made itself.
      writer: byBoth,
      sleep: (ms, signal) => clock.sleep(ms, signal),
    },
    options,
  )
  if (proof.is === 'not-proved') {
    await proofs.forget()
    return { deletes: { state: 'no', cure: proof.text }, deleteByTag: undefined }
  }
  await proofs.remember(proof.deletesTags)
  const text = `proved on a throw-away image in ${repository}, which counts for ${PROOF_DAYS} days; ${proof.text}`
  return { deletes: { state: 'yes' }, deleteByTag: proof.deletesTags, text }
}
