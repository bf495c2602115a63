import { mount } from "svelte";

import App from "./App.svelte";
import { pickHost } from "./lib/host/pick";
import "./styles/tokens.css";
import "./styles/base.css";

const target = document.getElementById("app");
if (target) mount(App, { target, props: { host: pickHost() } });
