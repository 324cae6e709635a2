/** What of the value function has proved to be broken. */

/** Which halves have to be replaced before the next event. */
export interface Broken {
  linear: boolean;
  network: boolean;
}

export function createBroken(): Broken {
  return { linear: false, network: false };
}
