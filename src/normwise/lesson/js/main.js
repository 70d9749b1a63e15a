// Unpacks the recording and starts the chapters.

async function unpacked() {
  const bytes = Uint8Array.from(atob(byId("recording").textContent.trim()), each => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// Chapters draw anew where their width changes, or the colours.
function keepDrawn(chapters) {
  let width = 0;
  const again = () => chapters.forEach(show => show());
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1) return;
    width = entry.contentRect.width;
    again();
  }).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  matchMedia("print").addEventListener("change", again);
}

// What needs no recording works in a browser of before 2023, too, which cannot unpack it.
function sayOld(error) {
  byId("not-unpacked").textContent =
    `Chapters 2 to 4 need a newer browser, which can unpack the recording (${error.message}).`;
}

const chapters = [startHand()];
const recording = await unpacked().catch(sayOld);
if (recording)
  chapters.push(startDeep(recording.deep), startCircles(recording.circles), startLag(recording.circles));
keepDrawn(chapters);
document.documentElement.dataset.ready = "yes";
