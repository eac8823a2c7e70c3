export { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './start.ts'
