// What llama.cpp makes of a GGUF file: the prompt's tokens and the greedy text after it, as JSON.
//   NODE_MODULES=FOLDER node llama.mjs FILE PROMPT TOKENS
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const {getLlama} = await import(pathToFileURL(require.resolve("node-llama-cpp")));
const [file, prompt, count] = process.argv.slice(2);

const llama = await getLlama({gpu: false, build: "never", logLevel: "error"});
const model = await llama.loadModel({modelPath: file});
const context = await model.createContext({contextSize: 256, threads: 1});
const tokens = model.tokenize(prompt);
const answer = [];
for await (const token of context.getSequence().evaluate(tokens, {temperature: 0})) {
    answer.push(token);
    if (answer.length >= Number(count)) break;
}
process.stdout.write(JSON.stringify({tokens: [...tokens], text: model.detokenize(answer)}));
process.exit(0);
