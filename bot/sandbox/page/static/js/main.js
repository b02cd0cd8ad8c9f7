// Puts the page together. Each part draws below its own landmark and listens to the store; none knows another.

import { mountBanner } from "./banner.js";
import { mountConversation } from "./messages.js";
import { mountModals } from "./modal.js";
import { mountPanel } from "./panels.js";
import { mountCaption } from "./scenarios.js";
import { mountShell } from "./shell.js";
import { mountSidebar } from "./sidebar.js";
import { store } from "./store.js";
import { mountThread } from "./thread.js";

const at = (selector) => document.querySelector(selector);

mountShell(at(".topbar"));
mountSidebar(at("#sidebar"));
mountConversation(at("#conversation"));
mountThread(at("#thread"));
mountPanel(at("#panel"));
mountBanner(at("#banner"));
mountCaption(at("#caption"));
mountModals(at("#modals"));

store.connect();
