import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** These stay inside this process: test/helpers/in-process.ts refuses them a server or a child process. */
const fast = [
  'test/*.test.ts',
  'test/{access,cli,commands,config,domain,lib}/**/*.test.ts',
  'test/slack/{form,message}/**/*.test.ts',
]

const shared = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } }

/** The longest files first, or one core would run them alone at the end; then by turns what mostly waits and what computes. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const longest = sorted.filter(({ moduleId }) => /(e2e\/torture.*|postgres\/frozen)\.test\.ts$/.test(moduleId))
    const others = sorted.filter((file) => !longest.includes(file))
    const waiting = others.filter(({ project }) => project.name === 'e2e')
    const computing = others.filter((file) => !waiting.includes(file))
    const byTurns = waiting.flatMap((file, at) => [file, ...computing.slice(at, at + 1)])
    return [...longest, ...byTurns, ...computing.slice(waiting.length)]
  }
}

export default defineConfig({
  test: {
    // On two cores: two mostly wait, in files of e2e or for locks of Postgres.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // Tests of one file that wait side by side, each with a bot of its own.
    maxConcurrency: 4,
    // So that each project doesn't compile the same files again.
    experimental: { fsModuleCache: true },
    projects: [
      { test: { ...shared, name: 'fast', include: fast, isolate: false, setupFiles: 'test/helpers/in-process.ts' } },
      // Real servers and SQLite files, in this process.
      {
        test: {
          ...shared,
          name: 'integration',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [...fast, 'test/{postgres,e2e,browser}/**'],
        },
      },
      // The suites of the store, the jobs and the commands once more, on a real Postgres; and what only Postgres does.
      {
        test: {
          ...shared,
          name: 'postgres',
          isolate: false,
          include: ['test/{store,jobs,commands,postgres}/**/*.test.ts'],
          // About files: their locks, rights and query plans.
          exclude: ['test/store/sqlite/**'],
          globalSetup: 'test/helpers/postgres.ts',
        },
      },
      // The built bot as a child process.
      {
        test: {
          ...shared,
          name: 'e2e',
          isolate: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          include: ['test/e2e/**/*.test.ts'],
        },
      },
      // The only one that needs Chromium on the machine.
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
