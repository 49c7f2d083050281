"""Questions for the detector, written by hand: some like the families', some of any other kind."""

TAUGHT = """\
What is 17+25?
what is 8 * 7
How much is 45 minus 19?
Add 12, 7 and 30.
what's the sum of 31 and 46?
63 - 28 = ?
Tell me fourteen plus nine.
Subtract 9 from 40.
How many r in raspberry?
How many r's are in the word strawberry?
Count the l's in hello.
how often does the letter e appear in "elephant"?
How many vowels are in banana?
How many letters does the word window have?
Spell cookie. How many o's did you write?
I have 12 apples and eat 4. How many are left?
Tom had 30 marbles. He lost 8 and won 15. How many marbles does Tom have?
There are 18 people on a bus. 6 get off. How many people are on the bus now?
A jar holds 25 cookies. Ann takes 7, Bob puts in 3. How many cookies are in the jar?
You have 50 dollars and spend 20. How much money is left?
The score is 14 points. We win 6 more. What is the score now?
It is 20 degrees and gets 5 degrees colder. How many degrees is it?
A ball is under the red cup. Swap red and blue. Where is the ball?
Ann has the ace. Ann and Bob swap cards. Who has the ace?
The coin is under the green hat. Green and white trade places. Which hat is it under?
It is 9 o'clock. What time is it in 5 hours?
What time is it 7 hours after 10 o'clock?
The film starts at 8 and lasts 3 hours. When does it end?
what will the clock show 4 hours from now if it's 11?
Ann is taller than Bob. Bob is taller than Carl. Who is the tallest?
Dan is older than Eve, Eve is older than Fay. Who is youngest?
Max finished before Ned. Ned finished before Otto. Who came last?
Liz is faster than Mo. Kay is slower than Mo. Who is the second fastest?
Today is Monday. What day is it in 9 days?
what day was it 3 days ago if today is sunday
Tomorrow is Friday. What day was yesterday?
It is October. Which month is it in 5 months?
what month comes 3 months before february?
A pen costs 3 dollars. How much do 4 pens cost?
I buy 2 cups at $5 each and pay with $20. What is my change?
How many cents are 3 dimes and 2 nickels?
Tickets cost 8 euros. What do 6 tickets cost?
You face north. Turn right. Turn left. Which way do you face?
I walk 5 steps east and 3 steps west. How far east of the start am I?
A robot faces south and turns around. What direction is it?
Mary is Sue's mother. Sue is Ann's mother. Who is Ann's grandmother?
Who is the brother of Tom's father if Tom's father is Carl and Carl's brother is Ed?
Jane is the sister of my father. What is Jane to me?
How many minutes are 2 hours and 15 minutes?
Convert 3 meters to centimeters.
How many days are in 4 weeks?
5 dozen eggs are how many eggs?
If Ann sings, Bob dances. Ann sings. Does Bob dance?
All dogs are mammals. Rex is a dog. Is Rex a mammal?
Ann always lies. Ann says Bob lies. Does Bob tell the truth?
Ann, Bob and Carl have a cat, a dog and a fish, one each. Ann has the cat. Bob does not have the fish. Who has the fish?
20 cookies are shared equally among 4 children. How many does each get?
There are 6 boxes with 5 pens in each. How many pens are there?
What is 24 divided by 6?
Ann is 12. Bob is 3 years older. How old is Bob?
Dan is 8. How old will he be in 10 years?
Eva is twice as old as Finn. Finn is 7. How old is Eva?
Ann has 12 books and Bob has 7. How many more books does Ann have?
Dan has 5 coins, Eva has 9. How many do they have together?
What comes next: 2, 5, 8, 11?
Continue the sequence 40, 35, 30.
""".splitlines()

OTHER = """\
Why is the sky blue?
Hello!
hi, how are you?
Who are you?
What can you do?
Thanks, that was great
What is the capital of France?
Who wrote Hamlet?
Who was the first president of the United States?
When did World War 2 end?
How many people live in Germany?
How many planets are there in the solar system?
How tall is Mount Everest?
Who is the tallest person in the world?
What is the fastest animal?
How far is the moon?
What is the meaning of life?
Tell me a joke.
Write a poem about autumn.
Write a short story about a dragon and a knight.
Write an essay on three causes of the French Revolution.
Write a letter to my landlord about the broken heating.
Explain quantum mechanics to a five-year-old.
Explain how photosynthesis works.
Translate 'good morning' into Spanish.
Summarize the plot of Romeo and Juliet.
Describe your favorite place.
What should I cook for dinner tonight?
Give me a recipe for pancakes.
How do I bake bread?
How do I get from Berlin to Munich?
How can I lose weight?
What is the best way to learn French?
Can you recommend a good book?
Which laptop should I buy?
What is love?
Is there a god?
Do you have feelings?
What do you think about politics?
Write a Python function that adds two numbers.
Write a program that counts the letters in a word.
def add(a, b): return a + b
for (int i = 0; i < 10; i++) { sum += i; }
How do I reverse a list in Python?
What does this regex match: ^[a-z]+$
SELECT name FROM users WHERE age > 30;
Fix the bug in my JavaScript code.
Explain the difference between TCP and UDP.
Solve x^2 - 5x + 6 = 0.
What is the integral of x^2?
Find the derivative of sin(x).
Prove that the square root of 2 is irrational.
What is 17.5 * 3.2?
What is 123456 * 98765?
What is 15% of 80?
What is the chemical formula of water?
What is the weather like today?
What time is it in Tokyo?
What day is Christmas?
Who won the world cup in 2014?
What is the population of Tokyo?
How old is the universe?
Name the longest river in Africa.
What's your name?
Play some music.
Set a timer.
Good night
I feel sad today.
Tell me about yourself.
What are the symptoms of the flu?
Is it safe to eat raw eggs?
What is photosynthesis?
Who painted the Mona Lisa?
Compare capitalism and socialism.
Discuss the themes of Moby Dick.
Draft an email to my boss asking for a day off.
Create a workout plan for a beginner.
List some synonyms of happy.
What rhymes with orange?
Spell check this sentence please.
How does a computer work?
What is machine learning?
asdf qwerty
???
Let X be a compact metric space. Show that every sequence has a convergent subsequence.
Find the number of ordered pairs (x, y) with x^2 + y^2 = 25.
Why do cats purr?
Where is the Eiffel Tower?
What is the difference between a virus and a bacterium?
Should I bring an umbrella?
""".splitlines()
