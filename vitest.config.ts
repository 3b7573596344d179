import { defineConfig } from 'vitest/config'

// Two projects, because only the browser one needs Chromium on the machine.
export default defineConfig({
  test: {
    projects: [
      // Each end-to-end test has a bot in another process, which must answer within Slack's three seconds: more of them at
      // once than there are cores make a slow machine look like a broken bot.
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**'],
          maxWorkers: 2,
          testTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
