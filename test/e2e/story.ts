/** The parts that the test and the transcript share: a registry with images, a namespace that uses them, a winnow.yaml. */
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  startDockerRegistry,
  type DistributionLine,
  type DockerRegistry,
} from '../servers/docker-registry.ts'
import type { KubeApiserver } from '../servers/kube-apiserver.ts'
import { openCommandLine, type BuiltProgram, type CommandLine } from './cli.ts'
import { deploy } from './cluster.ts'
import { pushImages, type PushedSpec } from './images.ts'

export interface Story {
  readonly registry: DockerRegistry
  readonly namespace: string
  readonly images: readonly PushedSpec[]
  readonly commandLine: CommandLine
  readonly repositories: readonly string[]
  /** By its repository and one of its tags; throws when there is none. */
  readonly image: (name: string) => PushedSpec
  readonly stop: () => Promise<void>
}

const ALIAS = 'registry.internal:5000'

/** Starts a registry of this line with all images, and deploys what uses them. */
export async function startStory(
  line: DistributionLine,
  kube: KubeApiserver,
  program: BuiltProgram,
  namespace = `shop-${line}`,
): Promise<Story> {
  const registry = await startDockerRegistry({ binary: line })
  const commandLine = await openCommandLine(program)
  const stop = async (): Promise<void> => {
    await commandLine.remove()
    await registry.stop()
  }
  try {
    const images = await pushImages(registry.url, line, Date.now())
    await deploy(kube, { host: registry.host, alias: ALIAS, namespace, images })
    await commandLine.write('winnow.yaml', configuration(registry.url))
    return {
      registry,
      namespace,
      images,
      commandLine,
      repositories: [...new Set(images.map(({ repository }) => repository))],
      image: (name) => imageNamed(images, name),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Puts the kubeconfig where winnow.yaml expects it. */
export async function useKubeconfig({ commandLine }: Story, kubeconfig: string): Promise<void> {
  await copyFile(kubeconfig, join(commandLine.folder, 'kubeconfig.yaml'))
}

function imageNamed(images: readonly PushedSpec[], name: string): PushedSpec {
  const found = images.find(({ repository, tags }) => tags.some((tag) => `${repository}:${tag}` === name))
  if (found === undefined) throw new Error(`The world has no ${name}.`)
  return found
}

/** Everything was pushed just now, so `youngerThan` is off; how old an image is, its config says. */
function configuration(url: string): string {
  return `version: 1
registries:
  prod:
    url: ${url}
    aliases: [${ALIAS}]
evidence:
  kubernetes:
    - {name: lab, kubeconfig: kubeconfig.yaml, context: winnow}
  helm: {revisions: all}
protect:
  youngerThan: 0s
  tags: [stable]
limits: {maxDeletions: 50, maxShare: 40%, minSurvivors: 1}
policies:
  - name: services
    registry: prod
    repositories: ["team/**"]
    rules:
      - {name: releases, match: {semver: ">=1.0.0"}, keep: {newest: 2, by: semver}}
      - {name: pull requests, match: {tags: ["pr-*"]}, keep: {within: 14d}}
      - {name: nightlies, match: {tags: ["nightly-*"]}, keep: {daily: 3}}
    unmatched: delete
`
}
