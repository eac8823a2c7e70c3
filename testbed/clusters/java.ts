import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

export const JAVA_MIN_VERSION = 17

/** The Java program to run: JAVA_HOME's, else the one on the path. */
export function javaProgram(): string {
  const home = process.env.JAVA_HOME
  return home ? join(home, 'bin', 'java') : 'java'
}

/** null when Java is there and new enough, else what is wrong. */
export function whyNoJava(): string | null {
  const java = javaProgram()
  const { error, stderr, status } = spawnSync(java, ['-version'], { encoding: 'utf8', timeout: 20_000 })
  const install = `install Java ${JAVA_MIN_VERSION} or later (Debian: openjdk-17-jre-headless)`
  if (error !== undefined) return `${java} cannot be run (${error.message}): ${install}, or set JAVA_HOME`
  const major = /version "(\d+)/.exec(stderr)?.[1]
  if (status !== 0 || major === undefined) return `${java} -version failed: ${stderr.trim()}`
  return Number(major) >= JAVA_MIN_VERSION ? null : `${java} is version ${major}: ${install}`
}

export function hasProgram(program: string, versionFlag = '--version'): boolean {
  return spawnSync(program, [versionFlag], { stdio: 'ignore', timeout: 20_000 }).error === undefined
}
