// The microphone and the speaker of this device.

let context;

export async function awake() {
  context ??= new AudioContext({ latencyHint: "interactive" });
  if (context.state === "suspended") await context.resume();
  return context;
}

/** Hears until closed; gives 20 ms frames (Int16Array) and how loud each is, from 0 to 1. */
export class Microphone {
  async open(onFrame) {
    // Before the microphone: what is said while this loads would be lost.
    const sound = await awake();
    if (!sound.captures) sound.captures = sound.audioWorklet.addModule("/capture.js");
    await sound.captures;
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    this.source = sound.createMediaStreamSource(this.stream);
    this.node = new AudioWorkletNode(sound, "capture", { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => {
      const frame = new Int16Array(data);
      let sum = 0;
      for (const sample of frame) sum += sample * sample;
      onFrame(frame, Math.sqrt(sum / frame.length) / 32768);
    };
    this.source.connect(this.node);
  }

  close() {
    this.node?.port.close();
    this.source?.disconnect();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.node = this.source = undefined;
  }
}

/** Plays pieces of PCM one after the other, without gaps. */
export class Speaker {
  sources = new Set();
  until = 0;
  played = 0;

  begin(rate) {
    this.rate = rate;
    this.finished = false;
  }

  play(buffer) {
    const samples = new Int16Array(buffer);
    if (!samples.length) return;
    const piece = context.createBuffer(1, samples.length, this.rate);
    const channel = piece.getChannelData(0);
    for (let i = 0; i < samples.length; i++) channel[i] = samples[i] / 32768;
    const source = context.createBufferSource();
    source.buffer = piece;
    source.connect(context.destination);
    this.until = Math.max(this.until, context.currentTime + 0.04);
    source.start(this.until);
    this.until += piece.duration;
    this.sources.add(source);
    source.onended = () => {
      this.sources.delete(source);
      this.played += piece.duration;
      this.whenDone();
    };
  }

  /** Nothing more comes; `done` is called when it has sounded. */
  end(done) {
    this.finished = true;
    this.done = done;
    this.whenDone();
  }

  whenDone() {
    if (this.finished && !this.sources.size && this.done) {
      const done = this.done;
      this.done = undefined;
      done();
    }
  }

  stop() {
    this.done = undefined;
    this.finished = true;
    for (const source of this.sources) {
      source.onended = null;
      source.stop();
    }
    this.sources.clear();
    this.until = 0;
  }
}

/** Tells when somebody starts to speak, by loudness above what the room is like. */
export class Onset {
  floor = 0.004;
  loud = 0;

  hears(level, factor = 3.5, frames = 4) {
    const speech = level > Math.max(0.012, this.floor * factor);
    if (!speech) this.floor += (level - this.floor) * (level < this.floor ? 0.2 : 0.02);
    this.loud = speech ? this.loud + 1 : Math.max(0, this.loud - 1);
    if (this.loud < frames) return false;
    this.loud = 0;
    return true;
  }
}
