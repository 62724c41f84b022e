/**
 * Plays the story of real-world.test.ts once and writes down what a person would have seen: docs/transcript.md.
 *
 * Nothing in it is made up. Commands and their output stand as they were; only the addresses of this machine are
 * replaced, by registry.example.com and cluster.example.com, everywhere alike.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findDockerRegistry, type DistributionLine } from '../servers/docker-registry.ts'
import { findHelm } from '../servers/helm.ts'
import { pullWhole } from '../servers/pull-whole.ts'
import { startKubeApiserver, type KubeApiserver } from '../servers/kube-apiserver.ts'
import { buildProgram, type BuiltProgram } from './cli.ts'
import { applyRoles, defineExporters, deployLate, grantOperatorGroup, operatorGroup } from './cluster.ts'
import { pushSpec } from './images.ts'
import { allTags } from './registry-state.ts'
import { startStory, useKubeconfig, type Story } from './story.ts'

const LINE: DistributionLine = 'debian'
const NAMESPACE = 'shop'

/** @param file where the transcript is written */
export async function recordTranscript(file: string): Promise<void> {
  const [kube, program] = await Promise.all([startKubeApiserver(), buildProgram()])
  try {
    await writeFile(file, await played(kube, program))
  } finally {
    await program.remove()
    await kube.stop()
  }
}

async function played(kube: KubeApiserver, program: BuiltProgram): Promise<string> {
  await defineExporters(kube)
  const kubeconfig = await applyRoles(kube)
  const story = await startStory(LINE, kube, program, NAMESPACE)
  try {
    await useKubeconfig(story, kubeconfig)
    const transcript = new Transcript(story)
    await tell(transcript, story, kube)
    return transcript.text()
  } finally {
    await story.stop()
  }
}

async function tell(transcript: Transcript, story: Story, kube: KubeApiserver): Promise<void> {
  transcript.say(introduction(kube))
  await transcript.show('winnow.yaml')

  transcript.say(`## Who is not told everything plans nothing

The service account has the rights of \`deploy/rbac.yaml\`. The cluster also has a kind of an operator, which that file
cannot know.`)
  await transcript.run('plan')
  transcript.say(`One more rule, as the comments of the file tell (\`apiGroups: [${operatorGroup}]\`, \`verbs: [list]\`), and
every source answers in full.`)
  await grantOperatorGroup(kube)

  transcript.say('## The plan')
  await transcript.run('plan', '--out', 'plan.json')
  transcript.say('Why is an old release kept? Nothing runs it, but `helm rollback` could bring it back.')
  await transcript.run('explain', 'team/web:1.1.0')
  transcript.say('And why is this one to go?')
  await transcript.run('explain', 'team/web:pr-1')

  transcript.say(`## Meanwhile

Somebody deploys \`team/api:build-8\`, and somebody else pushes another image under the tag \`team/api:build-7\`. The saved
plan wants to delete both.`)
  await deployLate(kube, NAMESPACE, `${story.registry.host}/team/api:build-8`)
  await pushSpec(story.registry.url, 'pushed again', Date.now(), {
    ...story.image('team/api:build-7'),
    ageDays: 0,
  })
  const before = await allTags(story.registry.url, story.repositories)
  transcript.say('## Apply')
  await transcript.run('apply', 'plan.json', '--yes')
  transcript.say('Can everything that is in use still be pulled, down to the last layer?')
  await transcript.run('verify')
  const left = await allTags(story.registry.url, story.repositories)
  transcript.say(`The registry itself, asked without Winnow: ${before.size} tags before, ${left.size} now.`)

  transcript.say('## Undo')
  await transcript.run('history')
  await transcript.run('undo', await lastRun(story), '--yes')
  transcript.say(await comparison(story, before))
}

/** Asks the registry itself, and pulls every tag there is. */
async function comparison(story: Story, before: ReadonlyMap<string, string>): Promise<string> {
  const after = await allTags(story.registry.url, story.repositories)
  const different = [...before].filter(([name, digest]) => after.get(name) !== digest)
  if (different.length > 0 || after.size !== before.size)
    throw new Error(`After the undo these tags are not as before: ${different.join(' ')}`)
  let bytes = 0
  for (const [name] of after) {
    const [repository = '', tag = ''] = name.split(':')
    bytes += (await pullWhole(story.registry.url, repository, tag)).totalBytes
  }
  return `The registry itself, asked without Winnow: ${after.size} tags, each pointing where it did before the run. All of them were
pulled whole and every blob was compared with its digest (${bytes.toLocaleString('en')} bytes).`
}

async function lastRun({ commandLine }: Story): Promise<string> {
  const { document } = await commandLine.json('history')
  const { runs } = document as { readonly runs: readonly { readonly id: string; readonly kind: string }[] }
  const run = runs.find(({ kind }) => kind === 'apply')
  if (run === undefined) throw new Error('The history has no run.')
  return run.id
}

function introduction({ version }: KubeApiserver): string {
  const registry = findDockerRegistry(LINE)?.version ?? ''
  return `# A transcript: plan, apply and undo on real servers

What follows was recorded, not written: CNCF Distribution ${registry} as the registry, a Kubernetes ${version} API server, and
releases made by Helm ${findHelm()?.version ?? ''}. \`node scripts/record-transcript.mjs\` records it again. Commands and output stand as they
were; only the addresses of the two servers read \`registry.example.com\` and \`cluster.example.com\` here.

The registry has releases, pull request builds and nightlies of a small company, multi-platform images with attestations,
signatures and SBOMs among them, and an image from 1970. In the cluster there are Pods (one of them started from a tag that has
moved on), Deployments (one scaled to zero, one that knows the registry by another name), an old ReplicaSet, an old
revision of a StatefulSet, a CronJob, a custom resource and a ConfigMap that name images, and a Helm release in its third
revision, with a test hook. \`test/e2e/real-world.test.ts\` checks the same story, and pulls every image that must be left,
byte by byte.

Everything was pushed a moment before, so \`youngerThan\` is off; the images' own creation times give their ages.`
}

class Transcript {
  readonly #story: Story
  readonly #parts: string[] = []

  constructor(story: Story) {
    this.#story = story
  }

  say(text: string): void {
    this.#parts.push(text)
  }

  async show(file: string): Promise<void> {
    const text = await readFile(join(this.#story.commandLine.folder, file), 'utf8')
    this.#parts.push(block('yaml', this.#published(text)))
  }

  async run(...args: readonly string[]): Promise<void> {
    const { exit, stdout, stderr } = await this.#story.commandLine.winnow(...args)
    const ended = exit === 0 ? '' : `$ echo $?\n${exit}\n`
    this.#parts.push(
      block('console', this.#published(`$ winnow ${args.join(' ')}\n${stdout}${stderr}${ended}`)),
    )
  }

  text(): string {
    return `${this.#parts.join('\n\n')}\n`
  }

  /** Without the addresses and folders of this machine. */
  #published(text: string): string {
    const { registry, commandLine } = this.#story
    return text
      .replaceAll(registry.url, 'https://registry.example.com')
      .replaceAll(registry.host, 'registry.example.com')
      .replaceAll(`${commandLine.folder}/`, '')
      .replace(/127\.0\.0\.1:\d+/g, 'cluster.example.com')
      .replace(/[ \t]+$/gm, '')
  }
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``
}
