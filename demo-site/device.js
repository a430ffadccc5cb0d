// A device with a profile on it: the phone, the till. It holds an id, a channel and the profile's state, nothing else.

export class Device {
  #engine;

  /** @param {{id: string, channel: string, state?: Uint8Array}} kept */
  constructor(engine, { id, channel, state = new Uint8Array() }) {
    this.#engine = engine;
    this.id = id;
    this.channel = channel;
    this.state = state;
  }

  /** Adds events, consents or links; the answer says what became of each. */
  apply(nowMs, what) {
    const state = this.state.length > 0 ? { state: this.state } : {};
    const applied = this.#engine.apply({ now_ms: nowMs, profile_id: this.id, ...state, ...what });
    this.state = applied.state;
    return applied;
  }

  erase(tsMs) {
    this.state = this.#engine.erase(this.state, tsMs);
  }

  /** As the module wants it among linked profiles. */
  get profile() {
    return { profile_id: this.id, state: this.state };
  }

  /** What is kept over a reload. */
  get kept() {
    return { id: this.id, channel: this.channel, state: this.state };
  }
}

/**
 * The customer as a device sees them: its own profile and what is linked with it. Linked profiles ask as one, under the id
 * that the module names for all of them, so that every device asks the same.
 * @returns {{asId: string, devices: Device[], profile: object}}
 */
export function customerOf(engine, device, others) {
  const all = [device, ...others];
  const found = engine.component(device.id, all.map((one) => one.profile));
  const devices = all.filter((one) => found.profile_ids.includes(one.id));
  const own = devices.find((one) => one.id === found.unit_id) ?? device;
  const linked = devices.filter((one) => one !== own).map((one) => one.profile);
  return { asId: own.id, devices, profile: { ...own.profile, ...(linked.length > 0 && { linked }) } };
}
