/** Links an image to commits: in its registry, in a file, or in the state. Sees that the image is there, in every case. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { findSubject, link, type Linked } from '../../app/link.ts'
import { composeState, managedRegistriesOf } from '../../compose.ts'
import { composeLinking, composeLinkingAt, type LinkingWorld } from '../../compose-link.ts'
import type { Configuration } from '../../config/configuration.ts'
import { parseLinkFile, linkFileLine } from '../../core/git/link-file.ts'
import { parseFullCommitId, type CommitLink, type SubjectDescriptor } from '../../core/git/link-record.ts'
import type { RepositoryName } from '../../core/image/names.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { composeOptions } from '../composing.ts'
import { exitCodes } from '../exit-codes.ts'
import { ConfigurationMissingError, readConfiguration } from '../load-configuration.ts'
import { UsageError } from '../report-error.ts'
import { plain } from '../views/format.ts'
import { listingOfLinks, type LinkReport, type ReportedLink } from '../views/link.ts'
import { writeListing } from '../views/listing.ts'
import { appendLine } from '../write-output-file.ts'
import { commitOfBuild } from './link-commit.ts'
import { placeOfImage, type ImagePlace } from './link-image.ts'

export const linkBody: CommandBody = {
  async run(context) {
    const { options, terminal, globals } = context
    refuseContradictions(context)
    const links = linksWanted(context)
    const configuration = await configurationIfAny(context)
    const registries = configuration === undefined ? [] : managedRegistriesOf(configuration)
    const place = placeOfImage(context.arguments[0] ?? '', configuration, registries)
    if (place.settings !== undefined && options.flag('insecure')) {
      throw new UsageError(
        '--insecure is for registries that are in no configuration.',
        `Set insecure: true for ${place.settings.name} in ${globals.config}.`,
      )
    }
    const world = await openWorld(place, context)
    try {
      const found = await findImage(place, world, context)
      const report = await keep(found, links, { place, world, context })
      await writeListing(globals.output, listingOfLinks(report, terminal.stdout.colors), terminal.stdout)
      return exitCodes.done
    } finally {
      await world.close()
    }
  },
}

interface FoundSubject {
  readonly repository: RepositoryName
  readonly subject: SubjectDescriptor
}

interface Linking {
  readonly place: ImagePlace
  readonly world: LinkingWorld
  readonly context: CommandContext
}

function refuseContradictions({ options }: CommandContext): void {
  if (options.text('file') !== undefined && options.text('record') !== undefined) {
    throw new UsageError(
      '--file and --record say different things about where the link is kept.',
      'Give one of them.',
    )
  }
}

/** Without a file that was named, there need not be any: CI knows the registry by the name of the image. */
async function configurationIfAny(context: CommandContext): Promise<Configuration | undefined> {
  try {
    return await readConfiguration(context)
  } catch (error) {
    const isAbsent =
      error instanceof ConfigurationMissingError &&
      (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    if (!isAbsent || context.options.text('config') !== undefined) throw error
    return undefined
  }
}

function openWorld({ settings, host }: ImagePlace, context: CommandContext): Promise<LinkingWorld> {
  return settings === undefined
    ? composeLinkingAt(host, { insecure: context.options.flag('insecure') }, composeOptions(context))
    : composeLinking(settings, composeOptions(context))
}

/** What was asked for with `--commit`, else what the CI says. */
function linksWanted({ options, terminal, globals }: CommandContext): readonly CommitLink[] {
  const source = options.text('source')
  const common = source === undefined ? {} : { source: sourceWithoutSecrets(source) }
  const ref = options.text('ref')
  if (ref !== undefined && !isRef(ref)) {
    throw new UsageError(`${plain(ref)} is no name of a branch or tag.`, 'Leave --ref out, or write main.')
  }
  const given = options.texts('commit')
  if (given.length > 0) {
    const commits = new Set(given.map(fullCommit))
    return [...commits].map((commit) => ({ commit, ...common, ...(ref !== undefined && { ref }) }))
  }
  const build = commitOfBuild(terminal.environment, readEvent)
  if (!globals.quiet) terminal.stderr.write(`Linking to commit ${build.commit}, from ${build.from}.\n`)
  const shown = ref ?? (build.ref !== undefined && isRef(build.ref) ? build.ref : undefined)
  return [{ commit: build.commit, ...common, ...(shown !== undefined && { ref: shown }) }]
}

function fullCommit(text: string): string {
  const commit = parseFullCommitId(text)
  if (commit !== undefined) return commit
  throw new UsageError(
    `${plain(text.slice(0, 80))} is no full commit id; a short one may name another commit next year.`,
    `Give all 40 (or 64) hexadecimal digits:\n  --commit "$(git rev-parse ${/^[0-9a-f]{4,63}$/i.test(text) ? text : 'HEAD'})"`,
  )
}

/** git-check-ref-format(1), the characters; it is only shown. */
function isRef(text: string): boolean {
  return /^[^\s~^:?*[\\\u0000-\u0020\u007f]{1,255}$/.test(text)
}

/** CI_REPOSITORY_URL and kin hold tokens; what is recorded is for everybody who may pull. */
function sourceWithoutSecrets(text: string): string {
  const isUrl = URL.canParse(text) && /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  if (isUrl) {
    const url = new URL(text)
    url.username = url.protocol === 'ssh:' ? url.username : ''
    url.password = ''
    url.search = ''
    url.hash = ''
    return url.href
  }
  // git@host:path, as git writes places for SSH.
  if (/^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+:[^\s@\u0000-\u001f]{1,1000}$/.test(text)) return text
  throw new UsageError(
    'What --source says is no URL.',
    'Write https://git.example.com/team/app, or leave it out.',
  )
}

function readEvent(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Whoever asked says what is missing and what to do.
    return undefined
  }
}

/** The first of the repositories that has the image. */
async function findImage(
  { repositories, reference }: ImagePlace,
  { ports }: LinkingWorld,
  context: CommandContext,
): Promise<FoundSubject> {
  for (const repository of repositories.slice(0, -1)) {
    const subject = await ports.registry.describe(repository, reference, context.run)
    if (subject !== undefined) return { repository, subject }
  }
  const [last] = repositories.slice(-1)
  if (last === undefined) {
    throw new UsageError(`${plain(context.arguments[0] ?? '')} names no repository.`, 'Write team/app:1.2.')
  }
  const subject = await findSubject(last, reference, context.arguments[0] ?? '', ports, context.run)
  return { repository: last, subject }
}

async function keep(
  { repository, subject }: FoundSubject,
  links: readonly CommitLink[],
  linking: Linking,
): Promise<LinkReport> {
  const { place, world, context } = linking
  const image = `${place.host === '' ? world.ports.registry.name : place.host}/${repository}@${subject.digest}`
  const common = { image, registry: world.ports.registry.name, repository, digest: subject.digest }
  const file = context.options.text('file')
  if (file !== undefined) {
    const commits = await keepInFile(image, links, file, linking)
    return { ...common, recordedIn: 'file', place: file, commits }
  }
  if (context.options.text('record') === 'state') {
    const commits = await keepInState({ repository, subject }, links, linking)
    return { ...common, recordedIn: 'state', place: 'the state directory', commits }
  }
  const linked = await link({ repository, subject, links }, world.ports, context.run)
  return { ...common, recordedIn: 'registry', place: placeOf(linked), commits: linked.commits }
}

function placeOf({ listedBy }: Linked): string {
  const places = {
    registry: 'the registry, which lists it as a referrer',
    'fallback-tag': 'the registry, listed under the fallback tag of referrers',
    'own-tags': 'the registry',
  }
  return places[listedBy]
}

async function keepInFile(
  image: string,
  links: readonly CommitLink[],
  file: string,
  { place, context }: Linking,
): Promise<readonly ReportedLink[]> {
  if (place.host === '') {
    throw new UsageError(
      'The registry has neither url nor aliases, so a file has no name for its images.',
      'Keep the link where Winnow runs, with --record state, or give the registry an alias.',
    )
  }
  const known = await linksIn(file, context)
  const commits = links.map(({ commit }) => ({
    commit,
    state: known.has(`${image} ${commit}`) ? ('already-linked' as const) : ('linked' as const),
  }))
  const fresh = commits.filter(({ state }) => state === 'linked').map(({ commit }) => commit)
  const [{ source, ref } = { source: undefined, ref: undefined }] = links
  if (fresh.length > 0) await appendLine(file, linkFileLine({ image, commits: fresh, source, ref }))
  return commits
}

/** Image and commit of every link that the file has already; none when there is no such file yet. */
async function linksIn(file: string, { run }: CommandContext): Promise<ReadonlySet<string>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    // Appending says what is wrong, if anything is.
    return new Set()
  }
  const { links, problems } = parseLinkFile(text, file)
  const [first] = problems
  if (first !== undefined)
    run.onEvent?.({ kind: 'warning', text: `A plan will not take this line: ${first}` })
  return new Set(
    links.flatMap(({ image, commits }) =>
      commits.map((commit) => `${image.domain}/${image.path}@${image.digest} ${commit}`),
    ),
  )
}

async function keepInState(
  { repository, subject }: FoundSubject,
  links: readonly CommitLink[],
  { place, context }: Linking,
): Promise<readonly ReportedLink[]> {
  const { settings } = place
  if (settings === undefined) {
    throw new UsageError(
      'The state knows registries by their names in winnow.yaml, and there is none here.',
      'Run it where winnow.yaml is, or name it with --config FILE.',
    )
  }
  const state = await composeState(composeOptions(context))
  try {
    const found = links.map((each) => ({ ...each, subject: subject.digest }))
    const isNew = await state.links.rememberLinks(settings.name, repository, found, Date.now())
    return links.map(({ commit }, index) => ({
      commit,
      state: isNew[index] === true ? 'linked' : 'already-linked',
    }))
  } finally {
    await state.close()
  }
}
