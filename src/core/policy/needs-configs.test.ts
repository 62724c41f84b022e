import { describe, expect, it } from 'vitest'
import { loadConfiguration } from '../../config/load.ts'
import { needsConfigs } from './needs-configs.ts'

function needed(rule: string): boolean {
  const text = `version: 1
registries: {prod: {url: "https://registry.example.com"}}
policies:
  - {name: all, repositories: ["**"], rules: [${rule}], unmatched: delete}
`
  return needsConfigs(loadConfiguration({ path: 'winnow.yaml', text }).policySet)
}

describe('needsConfigs', () => {
  it.each([
    '{match: {labels: {team: a}}, keep: {all: true}}',
    '{match: {tags: ["*"]}, not: {labels: {team: a}}, keep: {all: true}}',
    '{match: {tags: ["*"]}, except: {platform: [linux/arm64]}, keep: {newest: 3}}',
    '{keep: {newest: 3, by: created}}',
    '{keep: {newest: 3, by: active}}',
    '{delete: {beyondNewest: 3, by: created}}',
    '{keep: {git: {repository: ., branches: ".*"}}}',
  ])('looks into them for %s', (rule) => {
    expect(needed(rule)).toBe(true)
  })

  it.each([
    '{keep: {newest: 3}}',
    '{match: {tags: ["v*"], annotations: {a: b}}, keep: {within: 14d}}',
    '{keep: {newest: 3, by: semver}}',
    '{match: {tagged: false}, delete: {olderThan: 7d}}',
    '{keep: {daily: 7, weekly: 4}}',
    '{keep: {pulledWithin: 30d}}',
  ])('does not for %s', (rule) => {
    expect(needed(rule)).toBe(false)
  })
})
