import { defineConfig } from 'vitest/config'

// Two projects, because only the browser one needs Chromium on the machine.
export default defineConfig({
  test: {
    projects: [
      // The end-to-end tests mostly wait for a bot in another process, so more of them than there are cores may run.
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**'],
          maxWorkers: 3,
          testTimeout: 20_000,
        },
      },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
