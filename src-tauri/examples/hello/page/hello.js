addEventListener("keydown", (event) => {
  document.getElementById("pressed").textContent = event.key;
});
