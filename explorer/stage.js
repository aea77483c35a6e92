// Skeletons on a floor of half-metre squares, seen from wherever one likes. The whole clip is here, so
// that it plays at its own pace and the view stays while the time cursor moves.
// Kinect axes: y up, z away from the camera, metres. The Kinect's picture is a mirror picture, with x
// to the right; `flip` -1 shows x to the left, as a common camera sees the scene.

const VIEWS = {
  reset: { yaw: 0.35, tilt: 0.2, zoom: 1 },
  front: { yaw: 0, tilt: 0.05 },
  side: { yaw: Math.PI / 2, tilt: 0.05 },
  top: { yaw: 0, tilt: 1.5 },
};
const KEYS = {
  a: { yaw: -0.15 }, d: { yaw: 0.15 }, w: { tilt: 0.1 }, s: { tilt: -0.1 },
  "+": { zoom: 1.15 }, "=": { zoom: 1.15 }, "-": { zoom: 1 / 1.15 },
};
const NAMED = { 1: "front", 2: "side", 3: "top", 0: "reset" };
const SPEEDS = [1, 0.5, 0.25];
const TRAIL_S = 1, REST_S = 0.5, REPORT_MS = 280;
const FONT = "'DejaVu Sans', 'Segoe UI', Arial, sans-serif";

export default function ({ data, parentElement, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.stage ??= new Stage(parentElement, canvas);
  canvas.stage.tell = (at) => setTriggerValue("frame", at);
  canvas.stage.take(data);
}

class Stage {
  constructor(root, canvas) {
    this.canvas = canvas;
    this.root = root;
    this.view = { ...VIEWS.reset };
    this.speed = 1;
    this.running = false;
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  take(scene) {
    const before = this.scene;
    this.scene = scene;
    this.canvas.setAttribute("aria-label", scene.words);
    if (!before || before.key !== scene.key) {
      this.over = null; // another clip may have fewer joints
      this.legend();
    }
    const moving = scene.playing && scene.times.length > 1;
    if (moving && !this.running) this.start();
    else if (moving && scene.at !== this.told && scene.at !== this.heard) this.seek(scene.at);
    else if (!moving && this.running) this.stop(before.key === scene.key);
    else if (!moving) this.seek(scene.at);
    this.heard = scene.at;
    this.waiting = false;
    this.draw();
  }

  seek(at) {
    this.seconds = this.scene.times[at];
    this.told = at;
  }

  start() {
    this.seek(this.scene.at);
    this.running = true;
    this.last = performance.now();
    const tick = (now) => {
      if (!this.running || !this.canvas.isConnected) return;
      this.advance((Math.min(100, now - this.last) / 1000) * this.speed);
      this.last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  stop(same) {
    this.running = false;
    if (!same) return this.seek(this.scene.at);
    const at = this.frame();
    this.seek(at);
    if (at !== this.scene.at) this.tell(at); // the page was told of an earlier moment
  }

  advance(seconds) {
    const { times } = this.scene, end = times[times.length - 1];
    this.seconds += seconds;
    if (this.seconds > end + REST_S * this.speed) this.seconds = times[0];
    this.draw();
    this.cursor();
    const at = this.frame(), now = performance.now();
    if (at !== this.told && now - (this.asked ?? 0) > (this.waiting ? 2000 : REPORT_MS)) {
      Object.assign(this, { told: at, asked: now, waiting: true });
      this.tell(at);
    }
  }

  frame() {
    const { times } = this.scene;
    let best = 0;
    times.forEach((t, i) => Math.abs(t - this.seconds) < Math.abs(times[best] - this.seconds) && (best = i));
    return best;
  }

  // The page's one cursor, moved along while the stage plays by itself.
  cursor() {
    const line = document.querySelector(".st-key-lanes .cursor");
    if (!line) return;
    const { span: [from, to], margins: [left, right], times } = this.scene;
    const seconds = Math.min(this.seconds, times[times.length - 1]);
    const share = Math.min(1, Math.max(0, (seconds - from) / (to - from)));
    line.style.left = `calc(${left}px + (100% - ${left + right}px) * ${share})`;
    line.firstElementChild.textContent = `${seconds.toFixed(2)} s`;
  }

  listen() {
    const { canvas, root } = this;
    canvas.onpointerdown = (e) => { canvas.setPointerCapture(e.pointerId); this.used(); };
    canvas.onpointermove = (e) => {
      if (e.buttons) this.turn({ yaw: e.movementX * 0.01, tilt: e.movementY * 0.006 });
      else this.point(e.offsetX, e.offsetY);
    };
    canvas.onpointerleave = () => this.point(-99, -99);
    canvas.ondblclick = () => this.look("reset");
    canvas.addEventListener("wheel", (e) => {
      const zoom = this.view.zoom;
      this.turn({ zoom: Math.exp(-e.deltaY * 0.0012) });
      if (this.view.zoom !== zoom) e.preventDefault();
      this.used();
    }, { passive: false });
    canvas.onkeydown = (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || !(KEYS[e.key] || NAMED[e.key])) return;
      if (KEYS[e.key]) this.turn(KEYS[e.key]);
      else this.look(NAMED[e.key]);
      e.preventDefault();
      e.stopPropagation();
    };
    for (const button of root.querySelectorAll("button")) button.onclick = () => this.press(button);
  }

  press(button) {
    const { view, step } = button.dataset;
    if (view) this.look(view);
    else if (step) this.turn({ zoom: Number(step) });
    else if (button.name === "full") this.fill();
    else {
      this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
      button.textContent = { 1: "1×", 0.5: "½×", 0.25: "¼×" }[this.speed];
    }
    this.used();
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.querySelector(".stage").requestFullscreen?.();
  }

  used() {
    this.root.querySelector(".hint").classList.add("gone");
  }

  turn({ yaw = 0, tilt = 0, zoom = 1 }) {
    const view = this.view;
    view.yaw += yaw;
    view.tilt = Math.min(1.54, Math.max(-0.3, view.tilt + tilt));
    view.zoom = Math.min(5, Math.max(0.4, view.zoom * zoom));
    this.draw();
  }

  look(name) {
    const from = { ...this.view }, to = { ...from, ...VIEWS[name] }, began = performance.now();
    from.yaw = to.yaw + Math.atan2(Math.sin(from.yaw - to.yaw), Math.cos(from.yaw - to.yaw));
    const step = (now) => {
      const x = Math.min(1, Math.max(0, (now - began) / 260)), ease = x * x * (3 - 2 * x);
      for (const part of ["yaw", "tilt", "zoom"]) this.view[part] = from[part] + ease * (to[part] - from[part]);
      this.draw();
      if (x < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  legend() {
    const { scene, root } = this, stage = root.querySelector(".stage");
    for (const name of ["ink", "muted", "panel", "paper", "grid"]) stage.style.setProperty(`--${name}`, scene[name]);
    const bar = root.querySelector(".bar");
    bar.style.background = `linear-gradient(to right, ${scene.colours.join(", ")})`;
    root.querySelector(".scale b").textContent = scene.title;
    root.querySelector(".low").textContent = scene.low;
    root.querySelector(".high").textContent = scene.high;
    const sides = root.querySelector(".sides");
    sides.replaceChildren(...scene.looks.slice(0, scene.people).map((look, person) => {
      const who = document.createElement("span");
      if (scene.people > 1) who.append(`person ${person + 1}: `);
      for (const side of ["left", "right"]) {
        const mark = document.createElement("i");
        mark.style.borderColor = look[side];
        mark.style.borderTopWidth = `${scene.widths[side]}px`;
        who.append(mark, `${side} `);
      }
      return who;
    }));
    if (scene.apart) sides.append("drawn 1 m apart: their distance is not known");
  }

  // Which joint is under the pointer, with its value in words.
  point(x, y) {
    const dense = this.canvas.width / (this.canvas.getBoundingClientRect().width || 1);
    let best = 16 * dense, found = null;
    for (const { person, seen } of this.drawn ?? [])
      for (const joint of this.scene.used) {
        const away = Math.hypot(seen[joint][0] - x * dense, seen[joint][1] - y * dense);
        if (away < best) [best, found] = [away, { person, joint }];
      }
    if (found?.joint !== this.over?.joint || found?.person !== this.over?.person) {
      this.over = found;
      this.draw();
    }
  }

  draw() {
    const { canvas, scene } = this, box = canvas.getBoundingClientRect();
    if (!box.width || !scene) return;
    const dense = Math.min(2, window.devicePixelRatio || 1);
    const wide = Math.round(box.width * dense), high = Math.round(box.height * dense);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, wide, high);
    pen.lineCap = pen.lineJoin = "round";
    paint(pen, this);
  }
}

// The moment that `seconds` falls into: poses between two frames where they belong together.
function moment(scene, seconds) {
  const { times, poses, values, fresh } = scene, last = times.length - 1;
  let next = times.findIndex((t) => t > seconds);
  if (next < 0) next = last;
  const now = Math.max(0, next === last && seconds >= times[last] ? last : next - 1);
  const share = now < next ? Math.max(0, (seconds - times[now]) / (times[next] - times[now])) : 0;
  const near = share < 0.5 ? now : next;
  const mix = (a, b) => a.map((v, i) => (Array.isArray(v) ? mix(v, b[i]) : v + share * (b[i] - v)));
  const people = poses[near].map((pose, person) => {
    const one = poses[now][person], other = poses[next][person];
    const linked = share > 0 && one && other && !fresh[next][person];
    if (linked) return { person, pose: mix(one, other), value: mix(values[now][person], values[next][person]) };
    return pose && { person, pose, value: values[near][person] };
  });
  return { near, now, people: people.filter(Boolean) };
}

function camera(canvas, scene, { yaw, tilt, zoom }) {
  const { extent } = scene;
  const [cx, cy, cz] = extent.map(([low, high]) => (low + high) / 2);
  const [dx, dy, dz] = extent.map(([low, high]) => high - low);
  const away = 2.4 * Math.hypot(dx, dy, dz);
  const wide = Math.hypot(dx, dz), high = dy * Math.cos(tilt) + wide * Math.abs(Math.sin(tilt));
  const scale = zoom * 0.96 * away * Math.min(canvas.width / wide, canvas.height / high);
  const [sy, ky, st, kt] = [Math.sin(yaw), Math.cos(yaw), Math.sin(tilt), Math.cos(tilt)];
  return ([px, py, pz]) => {
    const x = scene.flip * (px - cx), y = py - cy, z = pz - cz;
    const side = ky * x + sy * z, back = ky * z - sy * x;
    const up = kt * y + st * back, depth = Math.max(0.2, kt * back - st * y + away);
    return [canvas.width / 2 + (scale * side) / depth, 0.485 * canvas.height - (scale * up) / depth, depth];
  };
}

function paint(pen, stage) {
  const { canvas, scene, view } = stage, see = camera(canvas, scene, view);
  const unit = Math.min(canvas.width, canvas.height) / 480;
  const { near, now, people } = moment(scene, stage.seconds);
  floor(pen, see, scene, unit);
  for (const { pose } of people) shadow(pen, see, scene, pose, unit);
  const masked = Boolean(scene.masked[near]);
  stage.drawn = people.map((one) => ({ ...one, seen: one.pose.map(see), bridged: scene.bridged[near]?.[one.person] }));
  const far = ({ seen }) => scene.used.reduce((sum, joint) => sum + seen[joint][2], 0);
  for (const one of stage.drawn.sort((a, b) => far(b) - far(a))) {
    if (scene.trails) trails(pen, see, scene, one, stage.seconds, now, unit);
    figure(pen, one, scene, unit, masked);
  }
  if (stage.over) tooltip(pen, stage, unit);
  const say = (words, y) => write(pen, words, canvas.width / 2, y, Math.max(15, 17 * unit), scene.muted);
  if (!people.length) say("nobody in this frame", canvas.height / 2);
  const dense = canvas.width / canvas.getBoundingClientRect().width; // below the buttons
  if (masked) say("what if: MAN does not see this moment", 84 * dense);
}

function line(pen, [x0, y0], [x1, y1], colour, width, dash = []) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
  pen.setLineDash([]);
}

function write(pen, words, x, y, size, colour, align = "center") {
  pen.font = `600 ${size}px ${FONT}`;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
}

function floor(pen, see, scene, unit) {
  const [[x0, x1], [y], [z0, z1]] = scene.extent;
  const corners = [[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]].map(see);
  pen.fillStyle = scene.panel;
  pen.beginPath();
  corners.forEach(([x, at], i) => (i ? pen.lineTo(x, at) : pen.moveTo(x, at)));
  pen.fill();
  const steps = (low, high) => {
    const out = [];
    for (let at = Math.ceil(low / 0.5) * 0.5; at <= high; at += 0.5) out.push(at);
    return out;
  };
  for (const x of steps(x0, x1)) line(pen, see([x, y, z0]), see([x, y, z1]), scene.grid, 1.5 * unit);
  for (const z of steps(z0, z1)) line(pen, see([x0, y, z]), see([x1, y, z]), scene.grid, 1.5 * unit);
  const size = Math.max(14, 13 * unit);
  const at = (point, words, colour) => {
    const [x, y] = see(point), half = 0.32 * size * words.length, { width, height } = pen.canvas;
    write(pen, words, Math.min(width - half, Math.max(half, x)), Math.min(height - size, y), size, colour);
  };
  at([(x0 + x1) / 2, y, z0 - 0.12], "x", scene.axes.x);
  at([x1 + 0.18, y, (z0 + z1) / 2], "z away", scene.axes.z);
}

function shadow(pen, see, scene, pose, unit) {
  const y = scene.extent[1][0];
  for (const [a, b] of scene.bones)
    line(pen, see([pose[a][0], y, pose[a][2]]), see([pose[b][0], y, pose[b][2]]), scene.grid, 5 * unit);
}

// Where hands, feet and head were during the last second; a cut or an absence ends the trail.
function trails(pen, see, scene, { person, pose }, seconds, now, unit) {
  for (const [joint, side] of scene.tips) {
    let from = see(pose[joint]), at = now;
    while (at >= 0 && seconds - scene.times[at] < TRAIL_S && scene.poses[at][person]) {
      const to = see(scene.poses[at][person][joint]);
      const left = 1 - (seconds - scene.times[at]) / TRAIL_S;
      pen.globalAlpha = 0.75 * left;
      line(pen, from, to, scene.looks[person][side], (1 + 2.5 * left) * unit);
      if (scene.fresh[at][person]) break;
      [from, at] = [to, at - 1];
    }
  }
  pen.globalAlpha = 1;
}

function figure(pen, { person, seen, value, bridged }, scene, unit, masked) {
  const look = scene.looks[person], faint = masked ? 0.3 : 1, hidden = new Set(scene.hidden);
  const disc = (joint, radius, colour, alpha, outline) => {
    pen.globalAlpha = alpha * faint;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(seen[joint][0], seen[joint][1], radius, 0, 2 * Math.PI);
    pen.fill();
    if (outline) { pen.strokeStyle = outline; pen.lineWidth = 1.3 * unit; pen.stroke(); }
    pen.globalAlpha = 1;
  };
  const colour = (v) => scene.colours[Math.round(v * (scene.colours.length - 1))];
  for (const joint of scene.used)
    if (!hidden.has(joint) && value[joint] > 0.08)
      for (const share of [1, 0.7])
        disc(joint, share * (5 + 19 * value[joint]) * unit, colour(value[joint]), 0.1 + 0.16 * value[joint]);
  const bones = [...scene.bones].sort(([a, b], [c, d]) => seen[c][2] + seen[d][2] - seen[a][2] - seen[b][2]);
  for (const [a, b, side] of bones) {
    const gone = hidden.has(a) && hidden.has(b);
    pen.globalAlpha = faint * (gone ? 0.4 : 1);
    const wide = scene.widths[side] * unit * (gone ? 0.4 : 1);
    line(pen, seen[a], seen[b], look[side], wide, gone ? [2 * unit, 7 * unit] : bridged ? [9 * unit, 9 * unit] : []);
  }
  pen.globalAlpha = 1;
  const order = [...scene.used].sort((a, b) => value[a] - value[b]);
  for (const joint of order)
    if (hidden.has(joint)) disc(joint, 3 * unit, scene.paper, 0.9, scene.muted);
    else disc(joint, (2.6 + 7.5 * value[joint]) * unit, colour(value[joint]), 1, scene.ink);
  for (const [joint, letter, side] of scene.marks)
    write(pen, letter, seen[joint][0], seen[joint][1] + 16 * unit, Math.max(15, 16 * unit), look[side]);
  if (scene.people > 1) {
    const high = Math.min(...scene.used.map((joint) => seen[joint][1]));
    const over = scene.used.find((joint) => seen[joint][1] === high);
    write(pen, String(person + 1), seen[over][0], high - 20 * unit, Math.max(15, 16 * unit), scene.ink);
  }
}

function tooltip(pen, { canvas, scene, drawn, over }, unit) {
  const one = drawn.find(({ person }) => person === over.person);
  if (!one) return;
  const [x, y] = one.seen[over.joint], size = Math.max(14, 13 * unit);
  const value = `${scene.what} ${(one.value[over.joint] * scene.most).toFixed(2)}${scene.unit}`;
  const words = `${scene.names[over.joint]} · ${scene.hidden.includes(over.joint) ? "hidden from MAN" : value}`;
  pen.font = `600 ${size}px ${FONT}`;
  const wide = pen.measureText(words).width + 1.4 * size;
  const left = Math.min(canvas.width - wide - 4, Math.max(4, x + 14 * unit)), top = Math.max(4, y - 2.4 * size);
  pen.fillStyle = scene.ink;
  pen.beginPath();
  pen.roundRect(left, top, wide, 1.9 * size, 0.5 * size);
  pen.fill();
  write(pen, words, left + 0.7 * size, top + 0.97 * size, size, scene.paper, "left");
}
