// Names of the emoji that bots and people use most; an unknown name stays as it was typed, as in Slack.

const NAMES = `
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 alarm_clock ⏰ arrow_down ⬇️ arrow_forward ▶️ arrow_left ⬅️ arrow_right ➡️ arrow_up ⬆️
arrows_counterclockwise 🔄 repeat 🔁 ballot_box_with_check ☑️ bar_chart 📊 bell 🔔 no_bell 🔕 bangbang ‼️ beers 🍻 blue_heart 💙
blush 😊 bomb 💣 book 📖 bookmark 🔖 books 📚 boom 💥 broken_heart 💔 bug 🐛 bulb 💡 bust_in_silhouette 👤
busts_in_silhouette 👥 cake 🍰 calendar 📆 spiral_calendar_pad 🗓️ chart_with_upwards_trend 📈 chart_with_downwards_trend 📉
clap 👏 clipboard 📋 clock1 🕐 clock3 🕒 cloud ☁️ coffee ☕ computer 💻 construction 🚧 confused 😕 cry 😢 credit_card 💳
crossed_fingers 🤞 dart 🎯 date 📅 dollar 💵 double_vertical_bar ⏸️ pause_button ⏸️ e-mail 📧 email ✉️ envelope ✉️
exclamation ❗ eyes 👀 eye 👁️ face_with_monocle 🧐 fast_forward ⏩ file_folder 📁 fire 🔥 fist ✊ flag-eu 🇪🇺 floppy_disk 💾
gear ⚙️ gift 🎁 globe_with_meridians 🌐 green_heart 💚 grey_question ❔ grin 😁 grinning 😀 hammer 🔨 hammer_and_wrench 🛠️
hand ✋ raised_hand ✋ handshake 🤝 heart ❤️ heavy_check_mark ✔️ heavy_minus_sign ➖ heavy_multiplication_x ✖️ heavy_plus_sign ➕
hourglass ⌛ hourglass_flowing_sand ⏳ house 🏠 inbox_tray 📥 information_source ℹ️ joy 😂 key 🔑 keyboard ⌨️ label 🏷️
large_blue_circle 🔵 large_green_circle 🟢 large_orange_circle 🟠 large_purple_circle 🟣 large_red_square 🟥
large_yellow_circle 🟡 laughing 😆 link 🔗 lock 🔒 unlock 🔓 loudspeaker 📢 mag 🔍 mag_right 🔎 mailbox 📫 mega 📣 memo 📝
pencil 📝 pencil2 ✏️ money_with_wings 💸 moneybag 💰 moon 🌙 muscle 💪 mute 🔇 negative_squared_cross_mark ❎ new 🆕
no_entry ⛔ no_entry_sign 🚫 octagonal_sign 🛑 ok ✅ ok_hand 👌 open_file_folder 📂 package 📦 page_facing_up 📄 paperclip 📎
partying_face 🥳 point_down 👇 point_left 👈 point_right 👉 point_up ☝️ pray 🙏 pushpin 📌 question ❓ rainbow 🌈 raised_hands 🙌
receipt 🧾 recycle ♻️ red_circle 🔴 relaxed ☺️ robot_face 🤖 rocket 🚀 rotating_light 🚨 runner 🏃 sad 😞 disappointed 😞
see_no_evil 🙈 seedling 🌱 shield 🛡️ shrug 🤷 skull 💀 sleeping 😴 slightly_smiling_face 🙂 simple_smile 🙂 smile 😄 smiley 😃
smirk 😏 snowflake ❄️ sos 🆘 sparkles ✨ speech_balloon 💬 star ⭐ star2 🌟 stopwatch ⏱️ sun_with_face 🌞 sunglasses 😎 sunny ☀️
sweat_smile 😅 tada 🎉 test_tube 🧪 thinking_face 🤔 thread 🧵 ticket 🎫 timer_clock ⏲️ tools 🛠️ traffic_light 🚦
triangular_flag_on_post 🚩 trophy 🏆 umbrella ☔ upside_down_face 🙃 v ✌️ vertical_traffic_light 🚦 wastebasket 🗑️ wave 👋
warning ⚠️ wink 😉 white_check_mark ✅ white_circle ⚪ black_circle ⚫ white_large_square ⬜ wrench 🔧 writing_hand ✍️ x ❌
x_ray 🩻 yellow_heart 💛 zap ⚡ zipper_mouth_face 🤐 zzz 💤 100 💯 one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ checkered_flag 🏁
crystal_ball 🔮 scales ⚖️ bank 🏦 abacus 🧮 satellite 🛰️ electric_plug 🔌 battery 🔋 card_index 📇 chains ⛓️ compass 🧭 map 🗺️
`;

const KNOWN = new Map();
const words = NAMES.trim().split(/\s+/);
for (let place = 0; place < words.length; place += 2) KNOWN.set(words[place], words[place + 1]);

/** The character of this name, or null. */
export function emojiOf(name) {
  return KNOWN.get(name) ?? KNOWN.get(name.replace(/::skin-tone-\d$/, "")) ?? null;
}

/** The text with every `:name:` that is known replaced. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+'-]+)(?:::skin-tone-\d)?:/g, (typed, name) => KNOWN.get(name) ?? typed);
}
