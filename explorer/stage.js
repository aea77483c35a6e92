// A skeleton standing on a floor of half-metre squares. Drag to walk around it; the view stays
// while the time cursor moves, which a redrawn chart cannot promise.
// Kinect axes: y up, z away from the camera, metres. The Kinect's picture is a mirror picture, with x
// to the right; `flip` -1 shows x to the left, as a common camera sees the scene.

const START = { yaw: 0.35, tilt: 0.2 };

export default function ({ data, parentElement }) {
  const canvas = parentElement.querySelector("canvas");
  canvas.scene = data;
  canvas.setAttribute("aria-label", data.words);
  if (!canvas.view) prepare(canvas);
  draw(canvas);
}

function prepare(canvas) {
  canvas.view = { ...START };
  const turn = (yaw, tilt) => {
    canvas.view.yaw += yaw;
    canvas.view.tilt = Math.min(1.4, Math.max(-0.1, canvas.view.tilt + tilt));
    draw(canvas);
  };
  canvas.onpointerdown = (e) => canvas.setPointerCapture(e.pointerId);
  canvas.onpointermove = (e) => e.buttons && turn(e.movementX * 0.01, e.movementY * 0.006);
  canvas.ondblclick = () => { canvas.view = { ...START }; draw(canvas); };
  canvas.onkeydown = (e) => {
    const step = { a: [-0.15, 0], d: [0.15, 0], w: [0, 0.1], s: [0, -0.1] }[e.key];
    if (step) turn(...step);
  };
  new ResizeObserver(() => draw(canvas)).observe(canvas);
}

function camera(canvas) {
  const { scene } = canvas, { extent } = scene, { yaw, tilt } = canvas.view;
  const [cx, cy, cz] = extent.map(([low, high]) => (low + high) / 2);
  const [dx, dy, dz] = extent.map(([low, high]) => high - low);
  const away = 2.4 * Math.hypot(dx, dy, dz);
  const wide = Math.hypot(dx, dz), high = dy * Math.cos(tilt) + wide * Math.abs(Math.sin(tilt));
  const zoom = 0.9 * away * Math.min(canvas.width / wide, canvas.height / high);
  const [sy, ky, st, kt] = [Math.sin(yaw), Math.cos(yaw), Math.sin(tilt), Math.cos(tilt)];
  return ([px, py, pz]) => {
    const x = scene.flip * (px - cx), y = py - cy, z = pz - cz;
    const side = ky * x + sy * z, back = ky * z - sy * x;
    const up = kt * y + st * back, depth = kt * back - st * y + away;
    return [canvas.width / 2 + (zoom * side) / depth, canvas.height / 2 - (zoom * up) / depth, depth];
  };
}

function draw(canvas) {
  const box = canvas.getBoundingClientRect();
  if (!box.width) return;
  const dense = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = box.width * dense;
  canvas.height = box.height * dense;
  const pen = canvas.getContext("2d"), see = camera(canvas), { scene } = canvas;
  pen.lineCap = "round";
  const unit = Math.min(canvas.width, canvas.height) / 480;
  floor(pen, see, scene, unit);
  for (const pose of scene.poses) shadow(pen, see, scene, pose, unit);
  const far = (pose) => see(pose[0])[2];
  for (const pose of [...scene.poses].sort((a, b) => far(b) - far(a)))
    figure(pen, pose.map(see), scene, unit);
  if (!scene.poses.length) write(pen, "nobody in this frame", canvas.width / 2, canvas.height / 2, 18 * unit, scene.muted, "center");
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
  pen.font = `600 ${size}px ${"'DejaVu Sans', 'Segoe UI', Arial, sans-serif"}`;
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
  const at = (point, words, colour) => { const [x, v] = see(point); write(pen, words, x, v, size, colour); };
  at([(x0 + x1) / 2, y, z0 - 0.12], "x", scene.axes.x);
  at([x1 + 0.18, y, (z0 + z1) / 2], "z away", scene.axes.z);
}

function shadow(pen, see, scene, pose, unit) {
  const y = scene.extent[1][0];
  for (const pairs of Object.values(scene.sides))
    for (const [a, b] of pairs)
      line(pen, see([pose[a][0], y, pose[a][2]]), see([pose[b][0], y, pose[b][2]]), scene.grid, 5 * unit);
}

function figure(pen, seen, scene, unit) {
  const used = new Set(Object.values(scene.sides).flat(2));
  const disc = (joint, radius, colour, alpha = 1) => {
    pen.globalAlpha = alpha;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(seen[joint][0], seen[joint][1], radius, 0, 2 * Math.PI);
    pen.fill();
    pen.globalAlpha = 1;
  };
  for (const share of [1, 0.66, 0.4])
    for (const joint of used) disc(joint, share * (5 + 20 * scene.weight) * unit, scene.glow, 0.06 + 0.2 * scene.weight);
  const strokes = Object.entries(scene.sides).flatMap(([side, pairs]) => pairs.map(([a, b]) => [side, a, b]));
  strokes.sort(([, a, b], [, c, d]) => seen[c][2] + seen[d][2] - seen[a][2] - seen[b][2]);
  for (const [side, a, b] of strokes) line(pen, seen[a], seen[b], scene.colours[side], scene.widths[side] * unit);
  for (const joint of used) disc(joint, (2.6 + 3 * scene.weight) * unit, scene.ink);
  for (const [joint, letter, colour] of scene.marks)
    write(pen, letter, seen[joint][0], seen[joint][1] + 15 * unit, Math.max(15, 16 * unit), colour);
}
