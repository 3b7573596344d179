import { defineConfig } from 'vitest/config'

/** These stay inside this process: test/helpers/in-process.ts refuses them a server or a child process. */
const fast = [
  'test/*.test.ts',
  'test/{access,commands,config,domain,lib}/**/*.test.ts',
  'test/slack/{form,message}/**/*.test.ts',
]

const shared = { testTimeout: 60_000, expect: { poll: { timeout: 20_000 } } }

export default defineConfig({
  test: {
    maxWorkers: 2,
    // Tests of one file that wait side by side, each with a bot of its own.
    maxConcurrency: 4,
    projects: [
      { test: { ...shared, name: 'fast', include: fast, isolate: false, setupFiles: 'test/helpers/in-process.ts' } },
      // Real servers and SQLite files, in this process.
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: [...fast, 'test/{e2e,browser}/**'],
        },
      },
      // The built bot as a child process.
      {
        test: { ...shared, name: 'e2e', testTimeout: 180_000, hookTimeout: 60_000, include: ['test/e2e/**/*.test.ts'] },
      },
      // The only one that needs Chromium on the machine.
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
