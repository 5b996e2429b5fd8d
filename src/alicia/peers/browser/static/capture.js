// Runs beside the page: what the microphone hears, as 20 ms frames of 16 kHz mono, 16 bits.

const OUT_HZ = 16000;
const FRAME = 320;
const HALF = 24; // taps on each side, in samples of the output's rate

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / OUT_HZ;
    this.wide = Math.max(1, this.step); // a filter below half of the lower rate
    this.taps = Math.ceil(HALF * this.wide);
    this.kept = new Float32Array(2 * this.taps);
    this.at = this.taps;
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }

  weight(distance) {
    const x = (distance / this.wide) * 0.95;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.taps);
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return (sinc * window * 0.95) / this.wide;
  }

  process(inputs) {
    const channels = inputs[0];
    if (!channels.length) return true;
    const mono = new Float32Array(this.kept.length + channels[0].length);
    mono.set(this.kept);
    for (const channel of channels) {
      for (let i = 0; i < channel.length; i++) mono[this.kept.length + i] += channel[i] / channels.length;
    }
    for (; this.at + this.taps < mono.length; this.at += this.step) {
      const centre = Math.floor(this.at);
      let sum = 0;
      if (this.step === 1) sum = mono[centre];
      else {
        for (let i = centre - this.taps + 1; i < centre + this.taps; i++) sum += mono[i] * this.weight(i - this.at);
      }
      this.put(sum);
    }
    const drop = Math.floor(this.at) - this.taps;
    this.kept = mono.slice(drop);
    this.at -= drop;
    return true;
  }

  put(sample) {
    this.frame[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    if (this.filled < FRAME) return;
    const full = this.frame;
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.port.postMessage(full.buffer, [full.buffer]);
  }
}

registerProcessor("capture", Capture);
