import { defineConfig } from 'vitest/config'

/**
 * Three kinds of tests, so that a quick run stays quick: those without clusters, the contract suite with clusters
 * of its own, and scenarios, for which three clusters are started once (only when a scenario is among the files).
 */
export default defineConfig({
  test: {
    // Files one after another: clusters are real and the machine is small.
    fileParallelism: false,
    // Brokers, and processes, on a busy machine; one that wants more says so.
    expect: { poll: { timeout: 15_000 } },
    // KafkaJS 2.2.4 asks for timers in the past, which Node tells everybody.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['contracts/**', 'scenarios/**', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'contracts',
          include: ['contracts/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'scenarios',
          include: ['scenarios/**/*.test.ts'],
          globalSetup: ['clusters/shared-setup.ts'],
          setupFiles: ['clusters/shared-up.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
