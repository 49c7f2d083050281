// Plays the one tape that this file holds. Concatenated after the parts of a race.
const tape = JSON.parse(document.getElementById("tape").textContent);
const race = document.querySelector(".race");
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.body.classList.toggle("dark", dark.matches);
dark.addEventListener("change", dress);
dress();
const lanes = raceLanes(race);
const chart = raceChart(race.querySelector(".race-chart-box"), race.querySelector(".race-chart-says"));
const again = () => { player.seek(0); player.start(); };
const player = racePlayer(race, lanes, { onAgain: () => again(), onFrame: (views) => chart.draw(views) });
const talk = raceTalk(race, player, { onStart: () => again(), onAgain: () => again() });
race.dataset.state = "done";
race.querySelector(".race-question").textContent = tape.question;
race.querySelector(".race-saved").textContent = tape.saved;
lanes.count(tape.lanes.length);
chart.over(tape.curves ?? []);
player.open(tape, { play: false, from: tape.end });
document.querySelector(".race-file-talk").addEventListener("click", talk.enter);
