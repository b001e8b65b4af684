// What goes wrong when tasks are started, on a test's word.

export interface TaskFaults {
  /** From now on RunTask gets no task from this provider, for this reason. */
  refuseCapacity(provider: string, reason?: string): void;
  restoreCapacity(provider: string): void;
  /** The next `times` calls of RunTask are throttled. */
  throttle(times: number): void;
  /** The next `times` tasks stop before they run, for this reason. */
  failToStart(times: number, reason?: string): void;
}

export interface TaskFaultsTaken extends TaskFaults {
  capacityRefusal(provider: string | undefined): string | undefined;
  /** True when this call is to be throttled. */
  takeThrottle(): boolean;
  takeStartFailure(): string | undefined;
}

/** The words of ECS, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html */
const NO_CAPACITY = 'Capacity is unavailable at this time. Please try again later or in a different availability zone';
const NO_IMAGE = 'CannotPullContainerError: pull image manifest has been retried 1 time(s): not found';

export function createTaskFaults(): TaskFaultsTaken {
  const refused = new Map<string, string>();
  let throttles = 0;
  let failures = 0;
  let failure = NO_IMAGE;
  return {
    refuseCapacity: (provider, reason = NO_CAPACITY) => void refused.set(provider, reason),
    restoreCapacity: (provider) => void refused.delete(provider),
    throttle: (times) => void (throttles = times),
    failToStart(times, reason = NO_IMAGE) {
      [failures, failure] = [times, reason];
    },
    capacityRefusal: (provider = 'FARGATE') => refused.get(provider),
    takeThrottle: () => throttles > 0 && throttles-- > 0,
    takeStartFailure: () => (failures > 0 && failures-- > 0 ? failure : undefined),
  };
}
