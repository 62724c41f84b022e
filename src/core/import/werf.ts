/**
 * werf cleanup. werf keeps what its policies, the cluster and a fresh build protect, and deletes every other image; its
 * policies by Git history become keep rules. (In werf the last policy that selects a reference decides how many images
 * of it are kept; here each policy keeps its own.)
 */
import type { Importer } from './importer.ts'
import {
  isRule,
  unnamedRegistry,
  type ImportedConfiguration,
  type ImportedGitRepository,
  type ImportedNote,
  type ImportedPolicy,
  type ImportedRule,
} from './imported-policy.ts'
import type { Reading } from './reading.ts'
import { entryOf, fileStart, type SourceDocument, type SourceMap } from './source-document.ts'
import { defaultKeepPolicies, readKeepPolicy } from './werf-keep-policy.ts'
import { othersRules } from './werf-others.ts'

export const werfImporter: Importer = {
  system: 'werf',
  title: 'a werf.yaml',
  format: 'yaml',
  source: 'werf config render',
  recognises: ({ documents }) =>
    documents.some((document) => entryOf(document, 'configVersion') !== undefined),
  read: readWerf,
}

type Rules = readonly (ImportedRule | ImportedNote)[]

function readWerf({ file, documents }: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const meta = documents.find((document) => entryOf(document, 'configVersion') !== undefined)
  if (meta === undefined) {
    reading.refuse(fileStart, 'No document of this file has `configVersion`, so it is no werf.yaml.')
    return undefined
  }
  const version = entryOf(meta, 'configVersion')
  if (version !== undefined && !(version.kind === 'number' && version.value === 1)) {
    reading.refuse(
      version.place,
      '`configVersion` is 1 in every werf.yaml; what another one means is not known.',
    )
  }
  const given = entryOf(meta, 'cleanup')
  const place = given?.place ?? meta.place
  const cleanup =
    given === undefined || given.kind === 'nothing'
      ? undefined
      : reading.map(given, place, {
          what: 'cleanup',
          known: [
            'disable',
            'disableKubernetesBasedPolicy',
            'disableGitHistoryBasedPolicy',
            'disableBuiltWithinLastNHoursPolicy',
            'keepImagesBuiltWithinLastNHours',
            'keepPolicies',
          ],
        })
  const isOff = cleanup !== undefined && reading.flag(entryOf(cleanup, 'disable')) === true
  const project = reading.text(entryOf(meta, 'project'))
  const git = gitRepositoryOf(project, folderOf(file))
  const rules = [...gitRules(cleanup, git.name, reading), ...freshRules(cleanup, reading)]
  warnOf(cleanup, isOff, reading)
  const asksGit = !isOff && rules.some((each) => isRule(each) && each.keep?.git !== undefined)
  return {
    registries: [{ ...unnamedRegistry, remark: 'write the address of the registry that --repo names' }],
    evidenceComments: [
      'werf asks the clusters of its kubeconfig what they run. Winnow asks those that are named here:',
    ],
    ...(asksGit && { gitRepository: git }),
    policies: [isOff ? nothingDeleted(project) : policyOf(project, rules)],
  }
}

/**
 * The folder of werf.yaml, under the project's name. werf forgets a link whose commit the clone does not have and then
 * deletes the image, so such a commit keeps nothing here either; and it keeps import sources only for reasons other than
 * Git. Why that is dangerous stands beside both.
 */
function gitRepositoryOf(project: string | undefined, folder: string): ImportedGitRepository {
  const isName = project !== undefined && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(project)
  return {
    name: isName ? project : 'app',
    repository: folder,
    absentCommits: 'unneeded',
    importSources: 'unneeded',
    comments: [
      'The clone that werf.yaml lies in. As in werf, an image whose commits the clone does not have is not kept for Git.',
      'Safer, and the default when left out: absentCommits: keep. Then such an image stays until somebody looks.',
      'As in werf, too: what an image imports from does not stay with it where nothing but Git keeps the image.',
      'Safer, and the default when left out: importSources: keep.',
    ],
  }
}

function policyOf(project: string | undefined, rules: Rules): ImportedPolicy {
  return {
    name: project === undefined || project === '' ? 'werf' : project,
    comments: ['Rules by Git: `not: {werf: other}` keeps what werf did not build from taking places.'],
    repositories: ['**'],
    repositoriesRemark: 'werf.yaml does not name it: write the repository that --repo names',
    unit: 'image',
    rules: [...rules, ...othersRules],
    unmatched: 'delete',
    unmatchedRemark: 'werf deletes every image that nothing protects',
  }
}

function nothingDeleted(project: string | undefined): ImportedPolicy {
  return {
    ...policyOf(project, []),
    rules: [{ comments: ['`cleanup.disable: true`: werf deletes no image.'] }],
    unmatched: 'keep',
    unmatchedRemark: 'as `cleanup.disable` says',
  }
}

function gitRules(cleanup: SourceMap | undefined, repository: string, reading: Reading): Rules {
  const given = entryOf(cleanup, 'keepPolicies')
  const isDisabled = reading.flag(entryOf(cleanup, 'disableGitHistoryBasedPolicy')) === true
  const list =
    given === undefined || given.kind === 'nothing'
      ? undefined
      : reading.list(given, given.place, 'a list of keep policies')
  const own =
    list?.items.flatMap((item, index) => readKeepPolicy(item, index, repository, reading) ?? []) ?? []
  if (isDisabled) {
    return [{ comments: ['`disableGitHistoryBasedPolicy: true`: nothing is kept for Git.'] }]
  }
  if (own.length === 0 && (list?.items.length ?? 0) === 0) return defaultKeepPolicies(repository)
  if (own.length > 1) {
    reading.warn(
      list?.place,
      'Several keep policies that select one reference unite here; in werf the last of them decides how many images are kept, so more is kept.',
    )
  }
  return own
}

/** Two hours when nothing is said. */
function freshRules(cleanup: SourceMap | undefined, reading: Reading): Rules {
  const hours = reading.whole(entryOf(cleanup, 'keepImagesBuiltWithinLastNHours'), { max: 876_000 }) ?? 2
  const isDisabled = reading.flag(entryOf(cleanup, 'disableBuiltWithinLastNHoursPolicy')) === true
  if (isDisabled || hours === 0) return []
  const place = entryOf(cleanup, 'keepImagesBuiltWithinLastNHours')?.place
  return [
    {
      name: `built within ${hours}h`,
      comments: [
        place === undefined
          ? 'keepImagesBuiltWithinLastNHours, by default'
          : `line ${place.line}: keepImagesBuiltWithinLastNHours`,
        'The second is there because werf keeps at exactly so many hours, too.',
      ],
      keep: { within: freshFor(hours), by: 'created' },
    },
  ]
}

function freshFor(hours: number): string {
  const days = Math.floor(hours / 24)
  const rest = hours % 24
  return `P${days === 0 ? '' : `${days}D`}T${rest === 0 ? '' : `${rest}H`}1S`
}

function warnOf(cleanup: SourceMap | undefined, isOff: boolean, reading: Reading): void {
  if (isOff) {
    reading.warn(
      entryOf(cleanup, 'disable')?.place,
      '`cleanup.disable: true`: werf deletes no image (but its own records); nothing is deleted by what is imported.',
    )
    return
  }
  if (reading.flag(entryOf(cleanup, 'disableKubernetesBasedPolicy')) !== true) {
    reading.warn(
      cleanup?.place,
      'werf keeps what runs in the clusters of its kubeconfig: name them under `evidence:` (or give --evidence), or nothing is kept for them. Winnow then keeps more than werf: whatever refers to an image, Helm revisions and stored digests included.',
    )
  }
  reading.warn(
    cleanup?.place,
    'An image whose time of building is unknown counts as fresh here, and what anything but Git keeps keeps its import sources, even where Git keeps it too: more is kept. Name the repository that --repo names: in one without a stage of werf, every image that no rule keeps goes.',
  )
  reading.warn(
    cleanup?.place,
    'A stage without a commit record of its own is linked by its label, an index by its platforms too, and where no reference reaches any linked commit everything stays: more is kept. Of a stage that is linked to several commits werf takes the newest it comes upon before it has met every stage, and Winnow the newest of all: where histories merge, look at the plan.',
  )
}

/** The folder of werf.yaml is the repository it speaks of. */
function folderOf(file: string): string {
  const folder = file.replace(/[^/\\]*$/, '').replace(/(?<=.)[/\\]$/, '')
  return folder === '' || file === 'standard input' ? '.' : folder
}
